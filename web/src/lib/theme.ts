/** The reader's choice of theme. theme-boot.js applies it first, before this module is even loaded. */
export type ThemeChoice = 'system' | 'dark' | 'light';

const KEY = 'homeserver.theme';
/** Sent on document when the visible theme changed: charts paint with resolved colours and must repaint. */
export const THEME_CHANGED = 'homeserver:theme';

export function themeChoice(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'dark' || kept === 'light' ? kept : 'system';
  } catch {
    return 'system';
  }
}

export function chooseTheme(choice: ThemeChoice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  applyTheme(choice);
}

/** Keeps the page in step with the system and with choices made in other tabs. */
export function followTheme(): () => void {
  const again = () => applyTheme(themeChoice());
  const light = matchMedia('(prefers-color-scheme: light)');
  light.addEventListener('change', again);
  addEventListener('storage', again);
  return () => {
    light.removeEventListener('change', again);
    removeEventListener('storage', again);
  };
}

function applyTheme(choice: ThemeChoice): void {
  const systemLight = matchMedia('(prefers-color-scheme: light)').matches;
  const visible = choice === 'system' ? (systemLight ? 'light' : 'dark') : choice;
  if (document.documentElement.dataset.theme === visible) return;
  document.documentElement.dataset.theme = visible;
  document.dispatchEvent(new CustomEvent(THEME_CHANGED));
}
