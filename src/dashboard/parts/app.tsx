/** The page as a whole: what is where, and what it says while there is nothing to show. */
import { useEffect } from 'preact/hooks';
import { defaultWindows, type DefaultWindow } from '../../observe/windows.js';
import { duration } from '../format.js';
import { pageState, second$, type PageState } from '../live.js';
import { Accounts } from './accounts.js';
import { Alerts } from './alerts.js';
import { Blocks } from './blocks.js';
import { Chain } from './chain.js';
import { Events } from './events.js';
import { Header } from './header.js';
import { Hero } from './hero.js';
import { Tiles } from './tiles.js';
import { Token } from './token.js';
import { Upstreams } from './upstreams.js';
import { useObservable, useRemembered } from './use.js';
import { Workers } from './workers.js';

/** Where the server tells what it knows. */
const source = '/api/v1/live';

const nothing: PageState = {
  ...{ line: 'connecting', lostAt: null, live: undefined, clockDifference: 0 },
  ...{ events: [], rates: [] },
};

const isWindow = (name: string): name is DefaultWindow =>
  (defaultWindows as readonly string[]).includes(name);

/** The page. */
export function App() {
  const [token, setToken] = useRemembered<string>('token', '', 'sessionStorage');
  const [theme, setTheme] = useRemembered<'auto' | 'dark' | 'light'>('theme', 'auto');
  const [wanted, setWindow] = useRemembered<string>('window', '5m');
  const window: DefaultWindow = isWindow(wanted) ? wanted : '5m';
  const state = useObservable(() => pageState(source, token), nothing, [token]);
  const clock = useObservable(() => second$, Date.now(), []);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);

  const { line, live, lostAt, clockDifference, events, rates } = state;
  const title = live === undefined ? 'rx-sv2' : `${live.parts.role} · rx-sv2`;
  useEffect(() => {
    document.title = line === 'live' ? title : `(${line}) ${title}`;
  }, [title, line]);

  if (line === 'locked') return <Token isWrong={token !== ''} onToken={setToken} />;
  if (live === undefined)
    return (
      <main class="empty" aria-busy="true">
        <p class="pulse">
          {line === 'lost' ? 'The server does not answer. It is asked again and again.' : 'Connecting …'}
        </p>
      </main>
    );
  // what is old while the line is lost has the age it had then
  const now = line === 'live' ? clock + clockDifference : live.time;
  const { parts, rows } = live;
  return (
    <>
      <Header parts={parts} line={line} now={now} theme={theme} onTheme={setTheme} />
      {line === 'lost' && (
        <p class="lost" role="status">
          The line to the server is lost{lostAt === null ? '' : ` since ${duration(clock - lostAt)}`}. What is
          here was so then; it goes on by itself when the server is back.
        </p>
      )}
      <main class={line === 'live' ? 'page' : 'page stale'}>
        <Alerts parts={parts} now={now} />
        <Hero parts={parts} rates={rates} window={window} onWindow={setWindow} now={now} token={token} />
        <Tiles parts={parts} rows={rows} now={now} />
        <Workers rows={rows} window={window} now={now} />
        <div class="side">
          <Chain parts={parts} now={now} />
          <Upstreams parts={parts} now={now} />
          {parts.hasAccounts === true && <Accounts token={token} now={now} />}
          <Blocks parts={parts} now={now} />
          <Events events={events} />
        </div>
      </main>
    </>
  );
}
