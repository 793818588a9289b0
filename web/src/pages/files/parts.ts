/** The parts of the page that show only once somebody acts. */
export { default as ActionBar } from './ActionBar.svelte';
export { default as ContextMenu } from './ContextMenu.svelte';
export { default as DetailsPane } from './DetailsPane.svelte';
export { default as Dialogs } from './Dialogs.svelte';
export { watchChanges } from './live';
export { default as UsageView } from './UsageView.svelte';
