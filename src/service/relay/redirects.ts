/** Where clients of a relay will be taken when they come back, as a Reconnect of their server said. */
import type { SchedulerLike } from 'rxjs';
import type { Connector, Endpoint } from '../../transport/connection.js';

/** Milliseconds in which a client has to come back. */
const lifetime = 60_000;

/** Redirects that are remembered at a time; the oldest are forgotten. */
const maxRemembered = 1_024;

/** What is remembered for clients that were asked to come back. */
export interface Redirects {
  /**
   * Has the next client from the same host that would be connected to `from` connected by `connector`.
   * @param host of the client
   */
  remember(host: string, from: Endpoint | undefined, connector: Connector): void;
  /** Who is to be dialled in place of `from`, if a client from this host was asked to come back; once. */
  route(host: string, from: Endpoint | undefined): Connector | undefined;
}

/** Nothing, yet. A redirect is kept for a minute. */
export function rememberRedirects(scheduler: SchedulerLike): Redirects {
  let remembered: { readonly key: string; readonly connector: Connector; readonly until: number }[] = [];
  const keyOf = (host: string, from: Endpoint | undefined) => JSON.stringify([host, from?.host, from?.port]);
  const forgetOld = () => {
    const now = scheduler.now();
    remembered = remembered.filter(({ until }) => until > now);
  };

  return {
    remember(host, from, connector) {
      forgetOld();
      remembered.push({ key: keyOf(host, from), connector, until: scheduler.now() + lifetime });
      if (remembered.length > maxRemembered) remembered.shift();
    },
    route(host, from) {
      if (remembered.length === 0) return undefined;
      forgetOld();
      const key = keyOf(host, from);
      const found = remembered.find((redirect) => redirect.key === key);
      remembered = remembered.filter((redirect) => redirect !== found);
      return found?.connector;
    },
  };
}
