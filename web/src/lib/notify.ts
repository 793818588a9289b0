/** Where notifications go: what the pages know of channels, their kinds and the outbox. */
import type { components } from './schema';

type Schemas = components['schemas'];

const ROOT = '/api/v1/notifications';
export const NOTIFY = {
  channels: `${ROOT}/channels`,
  outbox: `${ROOT}/outbox`,
  settings: `${ROOT}/settings`,
} as const;

export type Channel = Schemas['ChannelBody'];
export type Kind = Channel['kind'];
export type Severity = Channel['minimum_severity'];
export type Delivery = Schemas['DeliveryBody'];
export type Outbox = Schemas['OutboxBody'];
export type NotifySettings = Schemas['NotificationSettings'];
export type TestResult = Schemas['ChannelTestBody'];

export const KINDS: readonly Kind[] = ['ntfy', 'email', 'telegram', 'gotify', 'webhook', 'shoutrrr'];
export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical'];
export const SECURITIES = ['starttls', 'tls', 'none'] as const;

export type FieldName =
  | 'server'
  | 'topic'
  | 'token'
  | 'user'
  | 'password'
  | 'url'
  | 'signing_key'
  | 'chat'
  | 'host'
  | 'port'
  | 'security'
  | 'from'
  | 'to';
/** One thing to say of a channel. A secret is never shown again. */
export type Field = { name: FieldName; secret?: true; needed?: true };

const open = (name: FieldName): Field => ({ name });
const needed = (name: FieldName): Field => ({ name, needed: true });
const secret = (name: FieldName): Field => ({ name, secret: true });
const neededSecret = (name: FieldName): Field => ({ name, secret: true, needed: true });

export const FIELDS: Record<Kind, readonly Field[]> = {
  ntfy: [needed('topic'), open('server'), secret('token'), open('user'), secret('password')],
  webhook: [neededSecret('url'), secret('token'), secret('signing_key')],
  gotify: [needed('server'), neededSecret('token')],
  telegram: [neededSecret('token'), needed('chat')],
  email: [
    needed('host'),
    open('security'),
    open('port'),
    open('user'),
    secret('password'),
    needed('from'),
    needed('to'),
  ],
  shoutrrr: [neededSecret('url')],
};

export const FALLBACK_AFTER = 3;

/** What stands in the dialog. */
export type ChannelForm = {
  kind: Kind;
  name: string;
  values: Partial<Record<FieldName, string>>;
  /** Secrets that are kept and shall be forgotten. */
  forget: FieldName[];
  enabled: boolean;
  allowLocal: boolean;
  minimum: Severity;
  onlyFallback: boolean;
  fallback: string;
  fallbackAfter: string;
  quiet: boolean;
};

/** The form of a channel, or of a new one. */
export function formOf(channel?: Channel): ChannelForm {
  return {
    kind: channel?.kind ?? 'ntfy',
    name: channel?.name ?? '',
    values: { security: 'starttls', ...channel?.settings },
    forget: [],
    enabled: channel?.enabled ?? true,
    allowLocal: channel?.allow_local ?? false,
    minimum: channel?.minimum_severity ?? 'info',
    onlyFallback: channel?.only_fallback ?? false,
    fallback: channel?.fallback_id ?? '',
    fallbackAfter: String(channel?.fallback_after ?? FALLBACK_AFTER),
    quiet: channel?.quiet ?? true,
  };
}

/** What is sent of the form: secrets that were not typed are left out, and so stay. */
export function bodyOf(form: ChannelForm, fallbackAfter: number) {
  const settings: Record<string, string> = {};
  for (const { name, secret: hidden } of FIELDS[form.kind]) {
    const value = (form.values[name] ?? '').trim();
    if (!hidden || value !== '') settings[name] = value;
    else if (form.forget.includes(name)) settings[name] = '';
  }
  return {
    name: form.name.trim(),
    settings,
    enabled: form.enabled,
    allow_local: form.allowLocal,
    minimum_severity: form.minimum,
    only_fallback: form.onlyFallback,
    fallback_id: form.fallback,
    fallback_after: fallbackAfter,
    quiet: form.quiet,
  };
}

/** What is needed and neither typed nor kept. */
export function missing(form: ChannelForm, kept: readonly string[]): FieldName | undefined {
  return FIELDS[form.kind].find(
    ({ name, needed: must }) => must && (form.values[name] ?? '').trim() === '' && !kept.includes(name),
  )?.name;
}

export type ChannelState = 'off' | 'failing' | 'untried' | 'well';

/** How a channel is doing, in one word. */
export function stateOf(channel: Channel): ChannelState {
  if (!channel.enabled) return 'off';
  if (channel.error !== '' && (channel.failures > 0 || !since(channel.succeeded_at, channel.failed_at)))
    return 'failing';
  return channel.succeeded_at === null ? 'untried' : 'well';
}

/** Whether the first time is there and not before the second. */
function since(first: string | null, second: string | null): boolean {
  return first !== null && (second === null || Date.parse(first) >= Date.parse(second));
}

/** Whether something is under way that is worth looking at again soon. */
export function isWaiting({ state }: Delivery): boolean {
  return state === 'pending' || state === 'sending';
}
