/** What the account page knows, and what it asks of the server. */
import { api, sentenceOf } from '../../lib/api';
import type {
  Account,
  Ceremony,
  NewToken,
  Passkey,
  RecoveryCodes,
  Scope,
  SignedInDevice,
  TOTPBegun,
  Token,
  TokenKind,
} from '../../lib/people';
import { session } from '../../lib/session';
import { createPasskey } from '../../lib/webauthn';

const PATH = '/api/v1/account';
const at = (part: string, id: string) => `${PATH}/${part}/${encodeURIComponent(id)}`;

/** A list of the page that comes by itself, with its own troubles. */
class Listing<T extends { id: string }> {
  items = $state.raw<T[]>();
  problem = $state('');

  constructor(private readonly fetchAll: () => Promise<T[]>) {}

  async load(): Promise<void> {
    this.problem = '';
    try {
      this.items = await this.fetchAll();
    } catch (thrown) {
      this.problem = sentenceOf(thrown);
    }
  }

  drop(gone: (item: T) => boolean): void {
    this.items = this.items?.filter((item) => !gone(item));
  }
}

export type NewTokenForm = { kind: TokenKind; name: string; scopes: Scope[]; expires_days?: number };

export class AccountStore {
  account = $state.raw<Account>();
  problem = $state('');
  /** To be shown once. */
  codes = $state.raw<string[]>([]);
  readonly devices = new Listing(async () => {
    return (await api.get<{ sessions: SignedInDevice[] }>(`${PATH}/sessions`)).sessions;
  });
  readonly tokens = new Listing(async () => (await api.get<{ tokens: Token[] }>(`${PATH}/tokens`)).tokens);

  start(): void {
    void this.load();
    void this.devices.load();
    void this.tokens.load();
  }

  async load(): Promise<void> {
    this.problem = '';
    try {
      this.account = await api.get<Account>(PATH);
    } catch (thrown) {
      this.problem = sentenceOf(thrown);
    }
  }

  async rename(displayName: string): Promise<void> {
    this.account = await api.patch<Account>(PATH, { display_name: displayName });
    // The navigation bears the name.
    void session.read();
  }

  async changePassword(current: string | undefined, fresh: string): Promise<void> {
    await api.put(`${PATH}/password`, { ...(current === undefined ? {} : { current }), new: fresh });
    await Promise.all([this.load(), this.devices.load()]);
  }

  async removePassword(): Promise<void> {
    await api.delete(`${PATH}/password`);
    await this.load();
  }

  async addPasskey(name: string): Promise<void> {
    const begun = await api.post<Ceremony>(`${PATH}/passkeys/begin`, {});
    const credential = await createPasskey(begun.options);
    await api.post<Passkey>(`${PATH}/passkeys`, { id: begun.id, name, credential });
    await this.load();
  }

  async renamePasskey(id: string, name: string): Promise<void> {
    await api.patch(at('passkeys', id), { name });
    await this.load();
  }

  async removePasskey(id: string): Promise<void> {
    await api.delete(at('passkeys', id));
    await this.load();
  }

  beginTOTP(): Promise<TOTPBegun> {
    return api.post<TOTPBegun>(`${PATH}/totp/begin`, {});
  }

  async finishTOTP(id: string, code: string): Promise<void> {
    this.codes = (await api.post<RecoveryCodes>(`${PATH}/totp`, { id, code })).recovery_codes;
    await this.load();
  }

  async removeTOTP(): Promise<void> {
    await api.delete(`${PATH}/totp`);
    await this.load();
  }

  async renewRecoveryCodes(): Promise<void> {
    this.codes = (await api.post<RecoveryCodes>(`${PATH}/recovery-codes`, {})).recovery_codes;
    await this.load();
  }

  async endSession(id: string): Promise<void> {
    await api.delete(at('sessions', id));
    this.devices.drop((device) => device.id === id);
  }

  async endOtherSessions(): Promise<void> {
    await api.delete(`${PATH}/sessions`);
    this.devices.drop((device) => !device.current);
  }

  async addToken(form: NewTokenForm): Promise<NewToken> {
    const made = await api.post<NewToken>(`${PATH}/tokens`, form);
    await this.tokens.load();
    return made;
  }

  async revokeToken(id: string): Promise<void> {
    await api.delete(at('tokens', id));
    this.tokens.drop((token) => token.id === id);
  }
}
