/** The ways in. Each gives the new state of the session, or throws a sentence; none of them asks again by itself. */
import { request } from './api';
import type { Ceremony, SessionState } from './people';
import { usePasskey } from './webauthn';

const PATH = '/api/v1/session';
/** Where the household's own provider is asked; it comes back to `next`. */
export const providerURL = (next: string) => `${PATH}/oidc?${new URLSearchParams({ next })}`;

/** The same, to let the account that is signed in be entered through it too. */
export const linkURL = (next: string) => `${PATH}/oidc?${new URLSearchParams({ link: '1', next })}`;

type Proof = { api_key: string } | { name: string; password: string; code?: string };

export function signIn(proof: Proof): Promise<SessionState> {
  return request('POST', PATH, { body: proof, neverAsk: true });
}

/** With a passkey; `suggested` waits in the field's suggestions until the signal ends it. */
export async function signInWithPasskey(
  options: { signal?: AbortSignal; suggested?: boolean } = {},
): Promise<SessionState> {
  const begun = await request<Ceremony>('POST', `${PATH}/passkey/begin`, { body: {}, neverAsk: true });
  const credential = await usePasskey(begun.options, options);
  const body = { id: begun.id, credential };
  return request('POST', `${PATH}/passkey`, { body, neverAsk: true });
}
