import { describe, expect, test, vi } from 'vitest';
import {
  createPasskey,
  fromBase64URL,
  PasskeyProblem,
  passkeySupport,
  toBase64URL,
  usePasskey,
} from './webauthn';

const bytes = (...values: number[]) => new Uint8Array(values).buffer;

test('base64url there and back', () => {
  for (const text of ['', 'AA', '-_8', '_-_-', 'aGVsbG8'])
    expect(toBase64URL(fromBase64URL(text))).toBe(text);
  expect(toBase64URL(bytes(251, 255, 254))).toBe('-__-');
});

test('without https or a name there are no passkeys, and it is known why', () => {
  vi.stubGlobal('isSecureContext', false);
  expect(passkeySupport()).toBe('insecure');
  vi.stubGlobal('isSecureContext', true);
  expect(passkeySupport()).toBe('unsupported');
  oldBrowser({});
  for (const [hostname, support] of [
    ['192.168.1.20', 'nameless'],
    ['[fd00::1]', 'nameless'],
    ['localhost', 'yes'],
    ['home.example', 'yes'],
  ]) {
    vi.stubGlobal('location', { hostname });
    expect(passkeySupport(), hostname).toBe(support);
  }
  vi.unstubAllGlobals();
});

/** A browser that has passkeys but not yet their JSON. */
function oldBrowser(credentials: Partial<CredentialsContainer>) {
  vi.stubGlobal('PublicKeyCredential', class {});
  vi.stubGlobal('AuthenticatorAttestationResponse', class {});
  vi.stubGlobal('AuthenticatorAssertionResponse', class {});
  vi.stubGlobal('navigator', { credentials });
}

describe('without the JSON of newer browsers', () => {
  test('the options are read and the answer is written', async () => {
    const get = vi.fn(async (_: CredentialRequestOptions) => ({
      id: 'AQI',
      rawId: bytes(1, 2),
      type: 'public-key',
      authenticatorAttachment: 'platform',
      getClientExtensionResults: () => ({}),
      response: Object.assign(new AuthenticatorAssertionResponse(), {
        clientDataJSON: bytes(1),
        authenticatorData: bytes(2),
        signature: bytes(3),
        userHandle: bytes(4),
      }),
    }));
    oldBrowser({ get: get as unknown as CredentialsContainer['get'] });
    const answer = await usePasskey(
      { publicKey: { challenge: 'AQID', allowCredentials: [{ type: 'public-key', id: 'AQI' }] } },
      { suggested: true },
    );
    const asked = get.mock.calls[0]?.[0];
    expect(asked?.mediation).toBe('conditional');
    expect(new Uint8Array(asked?.publicKey?.challenge as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
    expect(answer).toMatchObject({
      id: 'AQI',
      rawId: 'AQI',
      response: { clientDataJSON: 'AQ', authenticatorData: 'Ag', signature: 'Aw', userHandle: 'BA' },
    });
    vi.unstubAllGlobals();
  });

  test.each([
    ['NotAllowedError', true],
    ['InvalidStateError', false],
    ['SecurityError', false],
    ['UnknownError', false],
  ])('%s becomes a sentence', async (name, cancelled) => {
    oldBrowser({ create: async () => Promise.reject(new DOMException('no', name)) });
    const thrown = await createPasskey({
      publicKey: { challenge: 'AQ', user: { id: 'AQ', name: 'ada', displayName: 'Ada' } },
    }).catch((problem: unknown) => problem);
    expect(thrown).toBeInstanceOf(PasskeyProblem);
    expect((thrown as PasskeyProblem).cancelled).toBe(cancelled);
    expect((thrown as PasskeyProblem).message).toMatch(/\.$/);
    vi.unstubAllGlobals();
  });
});
