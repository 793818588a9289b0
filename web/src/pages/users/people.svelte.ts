/** What the page of people knows, and what it asks of the server. */
import { api, sentenceOf } from '../../lib/api';
import type { Invitation, NewInvitation, Person, Role } from '../../lib/people';

const USERS = '/api/v1/users';
const INVITATIONS = '/api/v1/invitations';
const INVITE_PAGE = '/static/invite.html';

/** A link that was just made; its code is known here and nowhere else. */
export type MadeLink = { title: string; url: string; expires_at: string };

export class PeopleStore {
  people = $state.raw<Person[]>();
  problem = $state('');
  invitations = $state.raw<Invitation[]>();
  invitationsProblem = $state('');
  link = $state.raw<MadeLink>();

  start(): void {
    void this.load();
    void this.loadInvitations();
  }

  async load(): Promise<void> {
    this.problem = '';
    try {
      this.people = (await api.get<{ users: Person[] }>(USERS)).users;
    } catch (thrown) {
      this.problem = sentenceOf(thrown);
    }
  }

  async loadInvitations(): Promise<void> {
    this.invitationsProblem = '';
    try {
      this.invitations = (await api.get<{ invitations: Invitation[] }>(INVITATIONS)).invitations;
    } catch (thrown) {
      this.invitationsProblem = sentenceOf(thrown);
    }
  }

  async add(person: { name: string; display_name?: string; role: Role; password: string }): Promise<void> {
    await api.post(USERS, person);
    await this.load();
  }

  async change(person: Person, change: { role?: Role; disabled?: boolean }): Promise<void> {
    await api.patch(`${USERS}/${encodeURIComponent(person.id)}`, change);
    await this.load();
  }

  async endSessions(person: Person): Promise<void> {
    await api.delete(`${USERS}/${encodeURIComponent(person.id)}/sessions`);
  }

  async reset(person: Person, title: string): Promise<void> {
    const made = await api.post<{ code: string; expires_at: string }>(
      `${USERS}/${encodeURIComponent(person.id)}/reset`,
      {},
    );
    this.link = { title, url: linkOf(made.code), expires_at: made.expires_at };
    await this.loadInvitations();
  }

  async invite(
    invitation: { role: Role; name?: string; expires_days: number },
    title: string,
  ): Promise<void> {
    const made = await api.post<NewInvitation>(INVITATIONS, invitation);
    this.link = { title, url: linkOf(made.code), expires_at: made.expires_at };
    await this.loadInvitations();
  }

  async revoke(invitation: Invitation): Promise<void> {
    await api.delete(`${INVITATIONS}/${encodeURIComponent(invitation.id)}`);
    this.invitations = this.invitations?.filter(({ id }) => id !== invitation.id);
  }
}

/** The code stands behind the #, where no server and no log sees it. */
function linkOf(code: string): string {
  return `${location.origin}${INVITE_PAGE}#${code}`;
}
