/** Every sentence a person reads, in one place and typed: a translation is a second module of this shape. */
import { dashboard } from './en.dashboard';
import { files } from './en.files';

export const messages = {
  app: 'HomeServer',
  shell: {
    skip: 'Skip to content',
    navigation: 'Main',
    dashboard: 'Dashboard',
    files: 'Files',
    account: 'Account',
    users: 'People',
    audit: 'Audit log',
    settings: 'Settings',
    more: 'More',
    noAccount: 'You are signed in with the API key, which belongs to the household and has no account.',
    noAccounts: 'This HomeServer asks nobody who they are, so nobody is known here.',
    api: 'API',
    theme: 'Theme',
    themes: { system: 'System', dark: 'Dark', light: 'Light' },
    keyboard: 'Shortcuts',
    signOut: 'Sign out',
    signedOut: 'You are signed out.',
    open: 'Open to everyone who reaches this server',
  },
  errors: {
    unreachable: 'The server cannot be reached.',
    unreadable: 'The server answered with something this page cannot read.',
    unexpected: 'Something went wrong on this page. Reloading it may help.',
    status: (status: number) =>
      status >= 500 ? `The server could not do this (${status}).` : `The server refused this (${status}).`,
    tryAgain: 'Try again',
    declined: 'You are not signed in.',
    notYours: 'Only administrators see this page.',
    pageFailed: 'The page could not be loaded.',
  },
  dialog: { close: 'Close' },
  toast: { region: 'Messages', dismiss: 'Dismiss', undo: 'Undo' },
  shortcuts: {
    title: 'Keyboard shortcuts',
    help: 'Show this help',
    goDashboard: 'Go to the dashboard',
    goFiles: 'Go to the files',
    off: 'Switch off shortcuts of a single letter',
    andThen: 'then',
  },
  connection: {
    connecting: 'Connecting',
    live: 'Live',
    reconnecting: 'Reconnecting',
    offline: 'Offline',
    asOf: (time: string) => `as of ${time}`,
  },
  copy: { button: 'Copy', copied: 'Copied.', missing: 'not known yet' },
  meter: { high: 'High', unknown: 'not known' },
  dashboard,
  files,
};
