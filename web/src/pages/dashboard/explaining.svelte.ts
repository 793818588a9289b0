/** Where a number on a card comes from, shown to whoever clicks on it. The dialog is loaded when somebody does. */
import type { Component } from 'svelte';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';

export class Explaining {
  Dialog = $state.raw<Component<{ keys: string[]; title: string }, object, 'keys'>>();
  /** Of the series that are explained; none while nothing is. */
  keys = $state<string[]>([]);
  title = $state('');

  async show(title: string, ...keys: string[]): Promise<void> {
    try {
      this.Dialog ??= (await import('./ExplainDialog.svelte')).default;
      [this.keys, this.title] = [keys, title];
    } catch {
      toast(messages.errors.unreachable, { kind: 'error' });
    }
  }
}
