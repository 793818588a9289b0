/** A small OpenID provider: discovery, keys, a page that asks who signs in, and tokens for whoever brings the code and its proof. */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

export type Identity = { sub: string; preferred_username: string; name: string; groups: string[] };

type Grant = { who: Identity; nonce: string; challenge: string; redirect: string };

const LIFE_S = 300;
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Provider {
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #grants = new Map<string, Grant>();
  #http: HttpServer | undefined;
  url = '';
  /** Who signs in next. */
  who: Identity = { sub: '1', preferred_username: 'carla', name: 'Carla', groups: [] };

  constructor(
    readonly clientID: string,
    private readonly clientSecret: string,
  ) {}

  async start(): Promise<void> {
    this.#http = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    }).listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    this.url = `http://127.0.0.1:${(this.#http.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    this.#http?.closeAllConnections();
    this.#http?.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const json = (body: unknown) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return void json({
          issuer: this.url,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/keys`,
          id_token_signing_alg_values_supported: ['RS256'],
        });
      case '/keys':
        return void json({
          keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }],
        });
      case '/authorize':
        return this.#authorize(url, response);
      case '/token':
        return void json(await this.#token(request));
      default:
        response.writeHead(404).end();
    }
  }

  /** The page on which somebody proves who they are, and agrees. */
  #authorize(url: URL, response: ServerResponse): void {
    const of = (name: string) => url.searchParams.get(name) ?? '';
    if (of('client_id') !== this.clientID || of('code_challenge_method') !== 'S256') {
      response.writeHead(400).end('not a client of this provider');
      return;
    }
    const code = randomBytes(16).toString('hex');
    const redirect = of('redirect_uri');
    this.#grants.set(code, { who: this.who, nonce: of('nonce'), challenge: of('code_challenge'), redirect });
    const back = new URL(redirect);
    back.search = new URLSearchParams({ code, state: of('state') }).toString();
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(
      `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Provider</title><a href="${back.href.replaceAll('&', '&amp;')}">Agree</a>`,
    );
  }

  async #token(request: IncomingMessage): Promise<unknown> {
    let body = '';
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    const basic = Buffer.from(
      (request.headers.authorization ?? '').replace(/^Basic /, ''),
      'base64',
    ).toString();
    const [id, secret] = basic.includes(':')
      ? basic.split(':').map(decodeURIComponent)
      : [form.get('client_id'), form.get('client_secret')];
    const code = form.get('code') ?? '';
    const grant = this.#grants.get(code);
    this.#grants.delete(code);
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!grant || id !== this.clientID || secret !== this.clientSecret) throw new Error('not granted');
    if (proof !== grant.challenge || form.get('redirect_uri') !== grant.redirect)
      throw new Error('not proved');
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url,
      aud: this.clientID,
      iat: now,
      exp: now + LIFE_S,
      nonce: grant.nonce,
      ...grant.who,
    };
    return { access_token: 'unused', token_type: 'Bearer', expires_in: LIFE_S, id_token: this.#sign(claims) };
  }

  #sign(claims: unknown): string {
    const text = `${base64url({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${base64url(claims)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(this.#keys.privateKey).toString('base64url')}`;
  }
}
