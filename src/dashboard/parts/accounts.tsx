/** What the ledger's payees have delivered, are owed and were paid. */
import { useState } from 'preact/hooks';
import { ago, bitcoin, count, difficulty } from '../format.js';
import { polled } from '../polled.js';
import { brief, shown } from '../text.js';
import { useObservable } from './use.js';

/** Milliseconds after which it is asked for again. */
const interval = 15_000;

/** Payees that are listed, at first and when more are asked for. */
const few = 6;
const many = 100;

/** Satoshis by what has become of them. */
interface Sums {
  readonly owed: number;
  readonly pending: number;
  readonly paid: number;
}

/** What `/api/v1/accounts` answers, as far as it is shown. */
interface AccountsAnswer {
  readonly total: number;
  readonly totals: Sums;
  readonly items: readonly (Sums & {
    readonly payee: string;
    readonly script: string | null;
    readonly workers: number;
    readonly difficultySum: number;
    readonly lastShareAt: number | null;
  })[];
}

const columns = [
  ['owed', 'waiting', 'Earned, and waiting for a later block: it is less than what is paid out'],
  ['pending', 'immature', 'In blocks that are not deep enough yet'],
  ['paid', 'paid', 'In blocks that count for good'],
] as const;

/** Amounts, those that are not 0. */
function Amounts({ sums }: { readonly sums: Sums }) {
  const told = columns.filter(([name]) => sums[name] !== 0);
  return (
    <p class="amounts">
      {told.map(([name, word, title]) => (
        <span key={name} class={name} title={title}>
          {bitcoin(sums[name])} <span class="dim">{word}</span>
        </span>
      ))}
    </p>
  );
}

/** The accounts. */
export function Accounts({ token, now }: { readonly token: string; readonly now: number }) {
  const [isWhole, setIsWhole] = useState(false);
  const answer = useObservable<AccountsAnswer | undefined>(
    () => polled(() => `/api/v1/accounts?limit=${many}`, token, interval),
    undefined,
    [token],
  );
  if (answer === undefined) return null;
  const { total, totals, items } = answer;
  const listed = items.slice(0, isWhole ? many : few);
  return (
    <section class="panel accounts" aria-labelledby="accounts">
      <h2 id="accounts">
        Balances <span class="dim">{count(total)}</span>
        {items.length > few && (
          <button type="button" aria-pressed={isWhole} onClick={() => setIsWhole(!isWhole)}>
            {isWhole ? 'fewer' : 'more'}
          </button>
        )}
      </h2>
      {total === 0 && <p class="dim">Nobody has delivered anything yet.</p>}
      <Amounts sums={totals} />
      <ol class="plain">
        {listed.map((item) => (
          <li key={item.script ?? item.payee}>
            <p class="payee" title={shown(item.payee, 300)}>
              <bdi>{brief(shown(item.payee))}</bdi>
              {item.workers === 0 && <span class="dim"> the pool</span>}
            </p>
            <Amounts sums={item} />
            {item.workers > 0 && (
              <p class="dim">
                work {difficulty(item.difficultySum)}
                {item.workers > 1 && ` of ${count(item.workers)}`} · {ago(item.lastShareAt, now)}
              </p>
            )}
          </li>
        ))}
      </ol>
      {total > listed.length && <p class="dim">and {count(total - listed.length)} more</p>}
    </section>
  );
}
