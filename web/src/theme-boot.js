// Runs before anything is painted. The choice is kept under this key by src/lib/theme.ts, which also
// follows the system when it changes its mind.
(() => {
  let choice = 'system';
  try {
    choice = localStorage.getItem('homeserver.theme') || choice;
  } catch {
    // Storage may be forbidden; the system's theme is right then.
  }
  const light =
    choice === 'light' || (choice !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches);
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
})();
