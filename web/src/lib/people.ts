/** The shapes of the API's JSON about people: who they are, what lets them in, and what they may do. */

export type Role = 'administrator' | 'member' | 'guest';
export const ROLES: readonly Role[] = ['administrator', 'member', 'guest'];

export type User = { id: string; name: string; display_name: string; role: Role };

/** What a sign-in can be made with on this server; oidc holds the label of the household's provider. */
export type Providers = { password: boolean; api_key: boolean; passkey: boolean; oidc: string };

export type SessionState = {
  required: boolean;
  authenticated: boolean;
  method: 'none' | 'api_key' | 'session' | 'token' | 'app_password' | '';
  /** Nobody can sign in yet: the first administrator is still to be made. */
  setup: boolean;
  user: User | null;
  role: Role | '';
  providers: Providers;
  expires_at: string | null;
};

export type Passkey = { id: string; name: string; created_at: string; used_at: string | null };
export type Account = {
  user: User;
  has_password: boolean;
  totp: boolean;
  recovery_codes_left: number;
  passkeys: Passkey[];
  identities: { issuer: string }[];
  created_at: string;
};

/** What begins a ceremony: the id goes back to the server with the browser's answer. */
export type Ceremony = { id: string; options: unknown };
export type TOTPBegun = { id: string; secret: string; uri: string };
export type RecoveryCodes = { recovery_codes: string[] };

export type SignedInDevice = {
  id: string;
  current: boolean;
  method: 'password' | 'passkey' | 'oidc' | 'api_key' | 'invitation' | 'setup';
  address: string;
  agent: string;
  created_at: string;
  used_at: string;
  expires_at: string;
};

export type TokenKind = 'token' | 'app_password';
export type Scope = 'files:read' | 'files:write' | 'monitoring:read' | 'admin';
export type Token = {
  id: string;
  kind: TokenKind;
  name: string;
  hint: string;
  scopes: Scope[];
  created_at: string;
  used_at: string | null;
  used_from: string;
  expires_at: string | null;
};
export type NewToken = Token & { secret: string };

export type Person = User & {
  disabled: boolean;
  created_at: string;
  used_at: string | null;
  has_password: boolean;
  totp: boolean;
  passkeys: number;
};

export type InvitationKind = 'invitation' | 'reset';
export type Invitation = {
  id: string;
  kind: InvitationKind;
  role: Role;
  name: string;
  created_by: string;
  created_at: string;
  expires_at: string;
};
export type NewInvitation = Invitation & { code: string };
/** What a link holds, as its code tells whoever has it. */
export type InvitationLook = {
  kind: InvitationKind;
  role: Role;
  name: string;
  invited_by: string;
  expires_at: string;
};

export type AuditEntry = {
  id: string;
  at: string;
  actor: string;
  action: string;
  target: string;
  address: string;
  detail: string;
};
export type AuditPage = { entries: AuditEntry[]; next_cursor?: string };

/** How a person is called on the pages. */
export function personName(user: Pick<User, 'name' | 'display_name'>): string {
  return user.display_name || user.name;
}
