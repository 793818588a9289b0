/** Every sentence of the dashboard. */
export const dashboard = {
  title: 'HomeServer Dashboard',
  /** The line below the title. */
  host: (name: string, system: string) => (system ? `${name} · ${system}` : name),
  failed: 'The dashboard could not be loaded',
  loading: 'Loading the dashboard',
  resources: {
    processes: 'Processes',
    title: 'System Resources',
    cpu: 'CPU',
    memory: 'Memory',
    disk: 'Disk',
    cores: (count: string) => (count === '1' ? '1 core' : `${count} cores`),
    load: (one: string) => `load ${one}`,
    of: (used: string, total: string) => `${used} of ${total}`,
    swap: (used: string) => `${used} swap`,
    free: (free: string) => `${free} free`,
    stale: 'not measured just now',
    /** Beside the figures of the machine: HomeServer's own, where it may not take all there is. */
    ownCPU: 'Own CPU limit',
    ownMemory: 'Own memory limit',
    ownUse: 'in use of what HomeServer may take',
    ownOf: (used: string, limit: string) => `${used} of ${limit} that HomeServer may take`,
  },
  storage: {
    title: 'File Storage',
    files: 'Total files',
    size: 'Total size',
    path: 'Storage path',
    open: 'Open files',
    verified: (files: string, age: string, damaged: string) =>
      `${files} verified, last ${age}, ${damaged} damaged`,
    unverified: 'Not verified yet',
    damaged: 'Damaged',
    backup: (age: string) => `Last backup ${age}`,
    noBackup: 'No backup yet',
    backups: {
      never: 'Never backed up',
      failed: 'Backup failed',
      incomplete: 'Backup incomplete',
      overdue: 'Backup overdue',
    },
  },
  server: {
    title: 'Server Information',
    uptime: 'Uptime',
    free: 'Disk free',
    memory: 'Total memory',
    host: 'Host name',
    system: 'System',
    kernel: 'Kernel',
    load: 'Load (1, 5, 15 min)',
  },
  network: {
    title: 'Network',
    received: 'Received',
    sent: 'Sent',
    span: 'last 2 min',
    sparkline: (received: string, sent: string) =>
      `Traffic of the last two minutes; at most ${received} received and ${sent} sent`,
  },
  /** The cards by name, for those who arrange them. */
  cards: {
    resources: 'System Resources',
    storage: 'File Storage',
    server: 'Server Information',
    network: 'Network',
  },
  showCard: (title: string) => `Show ${title}`,
};
