/** What roles, scopes, devices and the entries of the log are called. */
import type { Device } from '../lib/agent';
import type { Role, Scope, SignedInDevice } from '../lib/people';

export const roles: Record<Role, string> = {
  administrator: 'Administrator',
  member: 'Member',
  guest: 'Guest',
};

/** As a word within a sentence. */
export const roleIn: Record<Role, string> = {
  administrator: 'an administrator',
  member: 'a member',
  guest: 'a guest',
};

export const roleMeans: Record<Role, string> = {
  administrator: 'Manages everything, other people too.',
  member: 'Keeps files, and shares them with the household.',
  guest: 'Reads what is shared with the household.',
};

export const scopes: Record<Scope, { name: string; means: string }> = {
  'files:read': { name: 'Read files', means: 'List, search and download what you may see.' },
  'files:write': { name: 'Change files', means: 'Upload, rename, tag, share and delete.' },
  'monitoring:read': { name: 'See the dashboard', means: 'How the machine is doing.' },
  admin: {
    name: 'Everything you may do',
    means: 'All of the above and, for administrators, managing people.',
  },
};

export function scopeName(scope: string): string {
  return scopes[scope as Scope]?.name ?? scope;
}

export const methods: Record<SignedInDevice['method'], string> = {
  password: 'with a password',
  passkey: 'with a passkey',
  oidc: 'with the household’s provider',
  api_key: 'with the API key',
  invitation: 'with an invitation',
  setup: 'at the first start',
};

export function deviceName({ browser, system }: Device): string {
  if (browser && system) return `${browser} on ${system}`;
  return browser || system || 'Unknown device';
}
