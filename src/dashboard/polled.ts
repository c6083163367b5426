/** What the page asks for now and then, beside its line. */
import { catchError, EMPTY, from, switchMap, timer, type Observable } from 'rxjs';

/** Milliseconds that an answer may take. */
const answerLimit = 30_000;

/**
 * An answer of the API, now and again so often. What cannot be had is asked for again at the next time.
 * @param token to be shown; empty for none
 * @param every milliseconds
 */
export function polled<T>(path: () => string, token: string, every: number): Observable<T> {
  return timer(0, every).pipe(
    switchMap(() => from(answerOf<T>(path(), token)).pipe(catchError(() => EMPTY))),
  );
}

async function answerOf<T>(path: string, token: string): Promise<T> {
  const headers: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(path, {
    headers,
    cache: 'no-store',
    signal: AbortSignal.timeout(answerLimit),
  });
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return (await response.json()) as T;
}
