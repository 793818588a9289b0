/** The browser's own virtual authenticator: a phone with a fingerprint reader, without phone and finger. */
import type { Page } from 'playwright-core';

export class Authenticator {
  private constructor(
    private readonly devtools: Awaited<ReturnType<ReturnType<Page['context']>['newCDPSession']>>,
    private readonly id: string,
  ) {}

  static async plugIn(page: Page): Promise<Authenticator> {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        // A finger is laid on it only when the test says so: else it would answer every offer by itself.
        automaticPresenceSimulation: false,
      },
    });
    return new Authenticator(devtools, authenticatorId);
  }

  /** Runs what asks for a finger, with one on the reader. */
  async touch<T>(work: () => Promise<T>): Promise<T> {
    await this.#present(true);
    try {
      return await work();
    } finally {
      await this.#present(false);
    }
  }

  async count(): Promise<number> {
    const { credentials } = await this.devtools.send('WebAuthn.getCredentials', { authenticatorId: this.id });
    return credentials.length;
  }

  async #present(enabled: boolean): Promise<void> {
    await this.devtools.send('WebAuthn.setAutomaticPresenceSimulation', {
      authenticatorId: this.id,
      enabled,
    });
  }
}
