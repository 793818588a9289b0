/** Listens to everything that goes wrong in a browser, so that no test passes over an error it did not ask for. */
import type { BrowserContext } from 'playwright-core';

export class Guard {
  readonly #problems: string[] = [];
  readonly #expected: RegExp[] = [];

  /** A page may ask whether it should be left, and is left. */
  mayAskToStay = false;

  /** Allows what this test brings about itself, such as the errors of a server that it kills. */
  expect(...patterns: RegExp[]): void {
    this.#expected.push(...patterns);
  }

  async watch(context: BrowserContext, origin: string): Promise<void> {
    context.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      this.#add(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) =>
      this.#add(`page error: ${error.error().stack ?? error.error().message}`),
    );
    context.on('dialog', (dialog) => {
      if (dialog.type() === 'beforeunload' && this.mayAskToStay) {
        void dialog.accept();
        return;
      }
      this.#add(`${dialog.type()}: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (['http:', 'https:', 'ws:'].includes(url.protocol) && url.origin !== origin)
        this.#add(`request to another host: ${url}`);
    });
    context.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? '';
      // The page itself, a navigation or a download ended it.
      if (reason !== 'net::ERR_ABORTED') this.#add(`request failed: ${reason} ${request.url()}`);
    });
    context.on('response', (response) => {
      if (response.status() >= 400)
        this.#add(`answer ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        // biome-ignore lint/suspicious/noConsole: the guard reads what is written here
        console.error(
          `content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`,
        );
      });
    });
  }

  /** Everything unexpected since the last call. */
  take(): string[] {
    return this.#problems
      .splice(0)
      .filter((problem) => !this.#expected.some((pattern) => pattern.test(problem)));
  }

  #add(problem: string): void {
    this.#problems.push(problem);
  }
}
