import { expect, test } from 'vitest';
import { deviceName } from '../messages/en.people';
import { readAgent } from './agent';

const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const CHROMIUM = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0';

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Linux', 'computer'],
  [`Mozilla/5.0 (X11; Linux x86_64) ${CHROMIUM} Safari/537.36`, 'Chrome on Linux', 'computer'],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROMIUM} Safari/537.36 Edg/140.0.0.0`,
    'Edge on Windows',
    'computer',
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROMIUM} Safari/537.36 OPR/120.0`,
    'Opera on Windows',
    'computer',
  ],
  [`Mozilla/5.0 (Linux; Android 15; Pixel 9) ${CHROMIUM} Mobile Safari/537.36`, 'Chrome on Android', 'phone'],
  [`Mozilla/5.0 (Linux; Android 15; SM-X810) ${CHROMIUM} Safari/537.36`, 'Chrome on Android', 'tablet'],
  ['Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0', 'Firefox on Android', 'phone'],
  [`${MAC} Version/18.0 Safari/605.1.15`, 'Safari on macOS', 'computer'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
    'phone',
  ],
  [
    'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1',
    'Chrome on iPad',
    'tablet',
  ],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${CHROMIUM} Safari/537.36`, 'Chrome on ChromeOS', 'computer'],
  ['curl/8.14.1', 'curl', 'program'],
  ['Mozilla/5.0', 'Unknown device', 'program'],
  ['', 'Unknown device', 'program'],
  ['<script>alert(1)</script>', 'Unknown device', 'program'],
  [`${'a'.repeat(500)}/1`, 'a'.repeat(40), 'program'],
])('%s', (agent, name, kind) => {
  const device = readAgent(agent);
  expect([deviceName(device), device.kind]).toEqual([name, kind]);
});
