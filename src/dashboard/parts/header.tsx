/** The line at the top: what runs here, for how long, and whether the page hears of it. */
import type { LiveParts } from '../../observe/live.js';
import { duration } from '../format.js';
import type { PageState } from '../live.js';
import { shown } from '../text.js';

const lines = { connecting: 'connecting', live: 'live', lost: 'no line', locked: 'locked' } as const;
const themes = { auto: 'as the system', dark: 'dark', light: 'light' } as const;
const next = { auto: 'dark', dark: 'light', light: 'auto' } as const;

/** A theme. */
export type Theme = keyof typeof themes;

/** The line at the top. */
export function Header(props: {
  readonly parts: LiveParts;
  readonly line: PageState['line'];
  readonly now: number;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
}) {
  const { parts, line, now, theme, onTheme } = props;
  return (
    <header class="top">
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <path d="M3 22c5 0 5-12 10-12s5 12 10 12 5-7 6-7" />
      </svg>
      <h1>
        rx-sv2 <span class="role">{shown(parts.role)}</span>
      </h1>
      <span class={`line ${line}`} role="status">
        {lines[line]}
      </span>
      <span class="dim uptime">
        up {duration(now - parts.startedAt)} <span class="wide">· version {shown(parts.version)}</span>
      </span>
      <nav>
        <a class="wide" href="/metrics">
          metrics
        </a>
        <a class="wide" href="/api-docs/openapi.json">
          API
        </a>
        <button type="button" title={`Colours: ${themes[theme]}`} onClick={() => onTheme(next[theme])}>
          {theme === 'auto' ? '◐' : theme === 'dark' ? '●' : '○'}
          <span class="hidden">Colours: {themes[theme]}</span>
        </button>
      </nav>
    </header>
  );
}
