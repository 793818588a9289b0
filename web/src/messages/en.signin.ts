/** Every sentence about coming in: the page and the dialog for signing in, and what they share with setup and invitations. */
import { plural } from '../lib/format';

export const signin = {
  title: 'Sign in to HomeServer',
  heading: 'Sign in',
  dialog: 'Sign in',
  ended: 'Your session has ended. Sign in and everything goes on: your work stays where it is.',
  confirm: 'Confirm that it is you',
  confirmWhy: 'This change is weighty, and you signed in a while ago.',
  loading: 'One moment',
  name: 'Name',
  password: 'Password',
  submit: 'Sign in',
  confirmSubmit: 'Confirm',
  later: 'Not now',
  or: 'or',
  missingName: 'Enter your name.',
  missingPassword: 'Enter your password.',
  passkey: {
    button: 'Sign in with a passkey',
    confirm: 'Confirm with a passkey',
    cancelled: 'No passkey was used.',
    known: 'This device already has a passkey for you here.',
    wrongName: 'Passkeys belong to the server’s name. Open this page under its name instead of its number.',
    failed: 'The passkey did not work in this browser.',
    insecure: 'Passkeys need a page that begins with https.',
  },
  provider: (label: string) => `Continue with ${label}`,
  key: {
    disclose: 'Use the API key',
    label: 'API key',
    hint: 'The value of API_KEY in the server’s settings.',
    submit: 'Sign in with the key',
    missing: 'Enter the API key.',
  },
  code: {
    label: 'Code',
    explain: 'Enter the six digits from your authenticator app, or one of your recovery codes.',
    submit: 'Go on',
    back: 'Back',
    missing: 'Enter the code.',
  },
  nothing: 'This server offers no way to sign in with this browser.',
  unreachable: 'The page for signing in could not be loaded',
  goOn: 'Go on',
  done: 'You are signed in. You can close this page.',
};

/** What a new password needs; the server says the same. */
export const MIN_PASSWORD = 10;
const GOOD_PASSWORD = 16;

export const passwords = {
  show: 'Show password',
  hide: 'Hide password',
  hint: (length: number) => {
    if (length === 0)
      return `At least ${MIN_PASSWORD} characters. A few words nobody would put together are best.`;
    if (length < MIN_PASSWORD) return `${plural(MIN_PASSWORD - length, 'character', 'characters')} to go.`;
    return length < GOOD_PASSWORD ? 'Long enough. Longer is stronger.' : 'Good length.';
  },
  strength: 'Length of the password',
  short: `A password has at least ${MIN_PASSWORD} characters.`,
  name: 'Name for signing in',
  nameHint: 'Letters, digits and . _ - @, without spaces.',
  displayName: 'Shown as',
  displayNameHint: 'How others see you here, such as your first name.',
  missingName: 'Enter a name.',
};

/** Pages that stand at the door and need no shell: the first start, and links that were sent. */
export const doors = {
  setup: {
    title: 'Set up HomeServer',
    heading: 'Welcome',
    explain: 'This HomeServer belongs to nobody yet. Make the first account: it may do everything.',
    code: 'Setup code',
    codeHint: 'The server wrote it to its log when it started. It is on the terminal, or in',
    codePlaces: ['docker logs homeserver', 'journalctl -u homeserver'],
    codePlacesOr: 'or',
    missingCode: 'Enter the setup code.',
    submit: 'Create account',
    already: 'This HomeServer is set up already.',
    open: 'This HomeServer asks nobody who they are, so there is nothing to set up.',
    signIn: 'Sign in',
    home: 'Open the dashboard',
  },
  invite: {
    title: 'Invitation to HomeServer',
    heading: 'You are invited',
    worthlessHeading: 'This link does not work',
    resetHeading: 'Set a new password',
    invited: (by: string, role: string) => `${by} invites you to this HomeServer as ${role}.`,
    invitedByNobody: (role: string) => `You are invited to this HomeServer as ${role}.`,
    reset: (name: string) => `Choose a new password for ${name}. All devices are signed out with it.`,
    until: (time: string) => `This link works once, until ${time}.`,
    worthless: 'It may have been used already, or its time is over. Ask for a new one.',
    missing: 'It is not complete. Open it again as it was sent to you.',
    failed: 'The link could not be looked at',
    submit: 'Come in',
    resetSubmit: 'Save password',
    signIn: 'Sign in',
  },
};
