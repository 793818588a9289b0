/** Reads a User-Agent as far as a person needs it to recognise a device: "Firefox on Linux". */

export type DeviceKind = 'computer' | 'phone' | 'tablet' | 'program';
export type Device = { browser: string; system: string; kind: DeviceKind };

/** The first that matches names the browser: most of them also call themselves what they descend from. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOPiOS\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bCriOS\/|\bChrome\/|\bHeadlessChrome\/|\bChromium\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPad\b/, 'iPad'],
  [/\biPhone\b|\biPod\b/, 'iPhone'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];
/** Longer names of programs are cut: they come from outside. */
const MAX_PROGRAM_NAME = 40;

/** What a User-Agent tells; empty where it tells nothing. */
export function readAgent(agent: string): Device {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1] ?? '';
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1] ?? '';
  if (browser) return { browser, system, kind: kindOf(agent, system) };
  const program = /^[\w.-]+/.exec(agent)?.[0] ?? '';
  const known = program !== '' && program !== 'Mozilla';
  return { browser: known ? program.slice(0, MAX_PROGRAM_NAME) : '', system, kind: 'program' };
}

function kindOf(agent: string, system: string): DeviceKind {
  if (system === 'iPad' || (system === 'Android' && !/\bMobile\b/.test(agent))) return 'tablet';
  return system === 'iPhone' || system === 'Android' ? 'phone' : 'computer';
}
