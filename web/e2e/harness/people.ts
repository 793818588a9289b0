/** The people of the tests' households, and how a script signs them in. */
import type { BrowserContextOptions } from 'playwright-core';
import type { Role, User } from '../../src/lib/people';

export type TestPerson = { name: string; password: string; display_name: string; role: Role };

export const ADA: TestPerson = {
  name: 'ada',
  password: 'analytical engine no. 1',
  display_name: 'Ada Lovelace',
  role: 'administrator',
};
export const BOB: TestPerson = {
  name: 'bob',
  password: 'seven green bottles',
  display_name: 'Bob Marlowe',
  role: 'member',
};
export const GWEN: TestPerson = {
  name: 'gwen',
  password: 'only here for the tea',
  display_name: 'Gwen',
  role: 'guest',
};

type Cookies = Exclude<NonNullable<BrowserContextOptions['storageState']>, string>['cookies'];
/** A session as a script holds it. */
export type SignedIn = { cookie: string; user: User | null };

export async function signInByScript(
  base: string,
  { name, password }: { name: string; password: string },
  agent = 'homeserver-e2e/1',
): Promise<SignedIn> {
  const response = await fetch(`${base}/api/v1/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'User-Agent': agent },
    body: JSON.stringify({ name, password }),
  });
  if (!response.ok) throw new Error(`sign-in: ${response.status} ${await response.text()}`);
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { cookie, user: ((await response.json()) as { user: User | null }).user };
}

/** The same session for a browser. */
export function cookiesOf({ cookie }: SignedIn, host: string): Cookies {
  const [name = '', ...value] = cookie.split('=');
  return [
    {
      name,
      value: value.join('='),
      domain: host,
      path: '/',
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: 'Lax',
    },
  ];
}
