/** Sentences about processes and about where figures come from. They are loaded when somebody asks. */
import { plural } from '../lib/format';

export const machine = {
  failed: 'This could not be loaded.',
  loading: 'Loading',
  explain: {
    title: (what: string) => `Where “${what}” comes from`,
    value: 'Now',
    formula: 'Formula',
    source: 'Source',
    every: (seconds: number) => `Asked every ${plural(seconds, 'second', 'seconds')}`,
    apart: (seconds: string) => `the last two times ${seconds} s apart`,
    raw: 'What the system told',
    before: 'Before',
    now: 'Now',
    name: 'Value',
  },
  processes: {
    title: 'Processes',
    sort: 'Most of',
    orders: { cpu: 'Processor', memory: 'Memory', io: 'Disks' },
    counted: (count: number) => `${plural(count, 'process runs', 'processes run')} on this machine.`,
    frozen: (time: string) => `As they were at ${time}, when an alert was raised.`,
    none: 'Processes are kept only when an alert is raised; none was near this moment.',
    name: 'Process',
    user: 'User',
    cpu: 'Processor',
    memory: 'Memory',
    io: 'Disks',
  },
};
