/** The pages of the house, in the order the navigation shows them. */
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Gauge from '@lucide/svelte/icons/gauge';
import { messages } from '../messages/en';

export const pages = [
  { id: 'dashboard', href: '/static/dashboard.html', label: messages.shell.dashboard, icon: Gauge },
  { id: 'files', href: '/static/files.html', label: messages.shell.files, icon: FolderOpen },
] as const;

export type PageName = (typeof pages)[number]['id'];
