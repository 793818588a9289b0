import '../../styles/tokens.css';
import '../../styles/base.css';
import '../../styles/forms.css';
import { mountPage } from '../../ui/mount';
import Page from './Page.svelte';

mountPage(Page);
