import { describe, expect, it } from 'vitest';
import { bodyOf, type Channel, formOf, missing, stateOf } from './notify';

const channel: Channel = {
  ...{ id: '1', kind: 'ntfy', name: 'Phone', where: 'alerts at ntfy.sh', enabled: true, allow_local: true },
  ...{ settings: { topic: 'alerts', server: 'https://ntfy.sh' }, secrets_set: ['token'] },
  ...{ minimum_severity: 'warning', only_fallback: false, fallback_id: '', fallback_after: 3, quiet: false },
  ...{ waiting: 0, failures: 0, succeeded_at: null, failed_at: null, error: '', next_at: null },
};

describe('the form of a channel', () => {
  it('says again what is kept, but for secrets, which stay', () => {
    const form = formOf(channel);
    expect(form.values.token).toBeUndefined();
    expect(bodyOf(form, 3)).toEqual({
      ...{ name: 'Phone', enabled: true, allow_local: true, minimum_severity: 'warning' },
      ...{ only_fallback: false, fallback_id: '', fallback_after: 3, quiet: false },
      settings: { topic: 'alerts', server: 'https://ntfy.sh', user: '' },
    });
  });

  it('sends a secret that was typed, and forgets one when told so', () => {
    const form = formOf(channel);
    form.values.token = ' tk_1 ';
    expect(bodyOf(form, 3).settings.token).toBe('tk_1');
    form.values.token = '';
    form.forget = ['token'];
    expect(bodyOf(form, 3).settings.token).toBe('');
  });

  it('sends nothing of another kind', () => {
    const form = formOf(channel);
    form.kind = 'telegram';
    form.values.chat = '1';
    expect(bodyOf(form, 3).settings).toEqual({ chat: '1' });
  });

  it('knows what is missing', () => {
    const form = formOf();
    expect(missing(form, [])).toBe('topic');
    form.kind = 'gotify';
    form.values.server = 'https://gotify.example.org';
    expect(missing(form, [])).toBe('token');
    expect(missing(form, ['token'])).toBeUndefined();
  });
});

describe('stateOf', () => {
  const failed = { error: 'away', failed_at: '2026-11-26T12:00:00Z' };
  it.each<[string, Partial<Channel>]>([
    ['untried', {}],
    ['off', { enabled: false, ...failed, failures: 3 }],
    ['failing', failed],
    ['failing', { ...failed, failures: 1, succeeded_at: '2026-11-26T13:00:00Z' }],
    ['well', { ...failed, succeeded_at: '2026-11-26T13:00:00Z' }],
    ['well', { succeeded_at: '2026-11-26T13:00:00Z' }],
  ])('%s: %o', (want, change) => {
    expect(stateOf({ ...channel, ...change })).toBe(want);
  });
});
