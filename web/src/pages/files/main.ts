import '../../styles/tokens.css';
import '../../styles/base.css';
import { mountPage } from '../../ui/mount';
import Page from './Page.svelte';

mountPage(Page);
