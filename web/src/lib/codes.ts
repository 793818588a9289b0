/** Codes that people copy by hand, or that come in the part of an address that no server sees. */

/** What stands behind the # of an address, however the browser wrote it. */
export function codeFromFragment(hash: string): string {
  const text = hash.replace(/^#/, '');
  try {
    return decodeURIComponent(text).trim();
  } catch {
    // Not encoded at all: taken as it is.
    return text.trim();
  }
}

/** A setup code as the server writes it, from however it was typed: case, spaces and dashes do not count. */
export function tidySetupCode(text: string): string {
  return text.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
}

/** The sentence of a #problem=... that the server sent back with, if there is one. */
export function problemFromFragment(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('problem')?.trim() ?? '';
}

/** A secret for an authenticator app in groups that can be typed: "JBSW Y3DP". */
export function grouped(secret: string): string {
  return (
    secret
      .replaceAll(/\s/g, '')
      .match(/.{1,4}/g)
      ?.join(' ') ?? ''
  );
}
