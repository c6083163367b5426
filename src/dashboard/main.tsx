/** The page's beginning. */
import { render } from 'preact';
import { App } from './parts/app.js';

const root = document.getElementById('dashboard');
if (root !== null) render(<App />, root);
