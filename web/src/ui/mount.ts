import { type Component, mount } from 'svelte';

/** Puts a page into its HTML file's #app. */
export function mountPage(page: Component): void {
  const target = document.getElementById('app');
  if (!target) throw new Error('the page has no #app element');
  mount(page, { target });
}
