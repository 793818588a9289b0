/** A document that a page keeps on the server for whoever uses it. */
import { api } from './api';
import type { components } from './schema';

export type Preference = components['schemas']['PreferenceBody'];

const address = (page: string) => `/api/v1/preferences/${page}`;

export function readPreference(page: string): Promise<Preference> {
  return api.get<Preference>(address(page));
}

/**
 * Writes it if it still is what this ETag says; throws an ApiError of the type CHANGED if not. It goes on although
 * the page is left.
 */
export function writePreference(page: string, document: object, etag: string): Promise<Preference> {
  return api.put<Preference>(address(page), { document }, { ifMatch: etag, keepalive: true });
}
