/** Passkeys: the browser's half of a ceremony, from the server's JSON and back to JSON. */
import { signin } from '../messages/en.signin';
import { Sentence } from './sentence';

/** Why something with a passkey did not happen. */
export class PasskeyProblem extends Sentence {
  constructor(
    message: string,
    /** The reader thought better of it: nothing is wrong. */
    readonly cancelled = false,
  ) {
    super(message);
  }
}

const words = signin.passkey;

/**
 * Whether passkeys work here, and why not: browsers only offer them to pages that nobody on the way can change, and
 * bind them to a name, never to an address of numbers.
 */
export function passkeySupport(): 'yes' | 'insecure' | 'unsupported' | 'nameless' {
  if (typeof PublicKeyCredential !== 'function' || !('credentials' in navigator))
    return isSecureContext ? 'unsupported' : 'insecure';
  return /^[\d.]+$|^\[/.test(location.hostname) ? 'nameless' : 'yes';
}

/** Whether the browser offers passkeys in the list of a field's suggestions. */
export async function canSuggest(): Promise<boolean> {
  if (passkeySupport() !== 'yes') return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false)) ?? false;
}

/** Makes a passkey; gives what the server wants to hear. */
export async function createPasskey(options: unknown): Promise<unknown> {
  const json = publicKeyOf(options) as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON?.(json) ?? creationFromJSON(json);
  return toJSON(await run(() => navigator.credentials.create({ publicKey })));
}

/** Uses a passkey; as a suggestion it waits until one is chosen or the signal ends it. */
export async function usePasskey(
  options: unknown,
  { signal, suggested = false }: { signal?: AbortSignal; suggested?: boolean } = {},
): Promise<unknown> {
  const json = publicKeyOf(options) as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON?.(json) ?? requestFromJSON(json);
  const request: CredentialRequestOptions = { publicKey };
  if (signal) request.signal = signal;
  if (suggested) request.mediation = 'conditional';
  return toJSON(await run(() => navigator.credentials.get(request)));
}

async function run(ceremony: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let credential: Credential | null;
  try {
    credential = await ceremony();
  } catch (cause) {
    throw problemOf(cause);
  }
  if (!credential) throw new PasskeyProblem(words.cancelled, true);
  return credential as PublicKeyCredential;
}

function problemOf(cause: unknown): PasskeyProblem {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'AbortError' || name === 'NotAllowedError') return new PasskeyProblem(words.cancelled, true);
  if (name === 'InvalidStateError') return new PasskeyProblem(words.known);
  if (name === 'SecurityError') return new PasskeyProblem(words.wrongName);
  return new PasskeyProblem(words.failed);
}

/** The server wraps the options as the browser's own call wants them. */
function publicKeyOf(options: unknown): unknown {
  const wrapped = options as { publicKey?: unknown };
  return wrapped.publicKey ?? options;
}

// What follows is for browsers that have passkeys but not yet their JSON (Safari before 18.4, Chrome before 129).

function creationFromJSON(json: PublicKeyCredentialCreationOptionsJSON): PublicKeyCredentialCreationOptions {
  return {
    ...json,
    challenge: fromBase64URL(json.challenge),
    user: { ...json.user, id: fromBase64URL(json.user.id) },
    excludeCredentials: (json.excludeCredentials ?? []).map(descriptorFromJSON),
  } as PublicKeyCredentialCreationOptions;
}

function requestFromJSON(json: PublicKeyCredentialRequestOptionsJSON): PublicKeyCredentialRequestOptions {
  return {
    ...json,
    challenge: fromBase64URL(json.challenge),
    allowCredentials: (json.allowCredentials ?? []).map(descriptorFromJSON),
  } as PublicKeyCredentialRequestOptions;
}

function descriptorFromJSON(json: PublicKeyCredentialDescriptorJSON): PublicKeyCredentialDescriptor {
  return { ...json, id: fromBase64URL(json.id) } as PublicKeyCredentialDescriptor;
}

function toJSON(credential: PublicKeyCredential): unknown {
  if (typeof credential.toJSON === 'function') return credential.toJSON();
  const { response } = credential;
  const fields: Record<string, unknown> = { clientDataJSON: toBase64URL(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    fields.attestationObject = toBase64URL(response.attestationObject);
    fields.transports = response.getTransports?.() ?? [];
  } else if (response instanceof AuthenticatorAssertionResponse) {
    fields.authenticatorData = toBase64URL(response.authenticatorData);
    fields.signature = toBase64URL(response.signature);
    if (response.userHandle) fields.userHandle = toBase64URL(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: toBase64URL(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: fields,
  };
}

export function toBase64URL(bytes: ArrayBuffer): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export function fromBase64URL(text: string): ArrayBuffer {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
    letter.charCodeAt(0),
  );
  return bytes.buffer;
}
