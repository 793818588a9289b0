/** The shapes of the API's JSON about people: names for what schema.d.ts holds, which is made from the API's description. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['UserBody'];
export type Role = User['role'];
export const ROLES: readonly Role[] = ['administrator', 'member', 'guest'];

/** What a sign-in can be made with on this server; oidc holds the label of the household's provider. */
export type Providers = Schemas['ProvidersBody'];
/** The API's description cannot say that a whole object may be null. */
export type SessionState = Omit<Schemas['StateBody'], 'user'> & { user: User | null };

export type Passkey = Schemas['PasskeyBody'];
export type Account = Schemas['AccountBody'];

/** What begins a ceremony: the id goes back to the server with the browser's answer. */
export type Ceremony = Schemas['CeremonyBody'];
export type TOTPBegun = Schemas['TotpBody'];
export type RecoveryCodes = Schemas['RecoveryBody'];

export type SignedInDevice = Schemas['SessionBody'];

export type Token = Schemas['TokenBody'];
export type NewToken = Schemas['NewTokenBody'];
export type TokenKind = Token['kind'];
/** What the API's description only lists in words. */
export type Scope = 'files:read' | 'files:write' | 'monitoring:read' | 'admin';

export type Person = Schemas['PersonBody'];

export type Invitation = Schemas['InvitationBody'];
export type NewInvitation = Schemas['NewInvitationBody'];
/** What a link holds, as its code tells whoever has it. */
export type InvitationLook = Schemas['LookBody'];

export type AuditEntry = Schemas['EntryBody'];
export type AuditPage = Schemas['EntriesBody'];

/** How a person is called on the pages. */
export function personName(user: Pick<User, 'name' | 'display_name'>): string {
  return user.display_name || user.name;
}
