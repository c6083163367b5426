import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asyncScheduler, defer, firstValueFrom, from, NEVER, of, throwError, type Observable } from 'rxjs';
import { marbles } from 'rx-sv2/testing';
import { postAlerts, webhook, type WebhookOutcome } from '../../../src/node/monitoring/alert-webhook.js';
import { isWebhook, monitored } from '../../../src/node/monitoring/monitored.js';
import { vigil } from '../../../src/node/monitoring/vigil.js';
import type { AlertChange } from '../../../src/observe/alerts.js';
import type { Showable } from '../../../src/observe/live.js';

const raised = (subject: string, message = `${subject} is wrong`): AlertChange => ({
  ...{ type: 'AlertRaised', kind: 'worker-silent', subject, since: 1, message },
});

const options = { origin: 'https://hooks.example', role: 'pool', version: '1', scheduler: asyncScheduler };
interface Body {
  readonly text: string;
  readonly content: string;
  readonly allowed_mentions: unknown;
  readonly leftOut: number;
  readonly alerts: readonly { readonly subject: string }[];
}
const subjects = (bodies: readonly string[]): readonly string[] =>
  bodies.map((body) => (JSON.parse(body) as Body).alerts.map(({ subject }) => subject).join(''));

const posted = (count: number): WebhookOutcome => ({ type: 'AlertsPosted', count });
const notPosted = (count: number, why: string): WebhookOutcome => ({
  ...{ type: 'AlertsNotPosted', count },
  message: `${count} alerts could not be posted to https://hooks.example: ${why}`,
});

/** What is posted of `abcd` when they come so and are answered so, one post after another. */
function posting(
  diagram: string,
  answers: readonly Observable<number>[],
  expected: string,
  outcomes: Readonly<Record<string, WebhookOutcome>>,
): readonly string[] {
  const bodies: string[] = [];
  marbles(({ cold, hot, expectObservable }) => {
    const send = (body: string) =>
      defer(() => {
        bodies.push(body);
        return answers[bodies.length - 1] ?? cold('---(a|)', { a: 200 });
      });
    const values = Object.fromEntries([...'abcd'].map((name) => [name, raised(name)]));
    expectObservable(hot(diagram, values).pipe(postAlerts(send, options))).toBe(expected, outcomes);
  });
  return subjects(bodies);
}

describe('alerts that are posted', () => {
  it('are so one post after another; what comes meanwhile is posted together', () => {
    expect(posting('abc-------d|', [], '---P--T------(P|)', { P: posted(1), T: posted(2) })).toEqual([
      'a',
      'bc',
      'd',
    ]);
  });

  it('are posted again later and later while the server cannot, and then all that came', () => {
    const down = throwError(() =>
      Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } }),
    );
    expect(posting('ab', [down, of(503), of(429)], '14s ---P--O', { P: posted(1), O: posted(1) })).toEqual([
      'a',
      'a',
      'a',
      'a',
      'b',
    ]);
  });

  it('are given up when the server is silent for a quarter of an hour; those after them are not', () => {
    const bodies = posting(
      'a',
      Array.from({ length: 18 }, () => NEVER),
      '962s N',
      {
        N: notPosted(1, 'no answer within 10 s'),
      },
    );
    expect(bodies).toHaveLength(18);
  });

  it('are not posted again where they are not wanted, or to where they are sent on', () => {
    expect(
      posting('a-b', [of(404), of(302)], 'a-b', {
        a: notPosted(1, 'it answers 404'),
        b: notPosted(1, 'it answers 302'),
      }),
    ).toEqual(['a', 'b']);
  });

  it('wait in bounded memory: the oldest are left out, and that is told', () => {
    const bodies: string[] = [];
    const many = Array.from({ length: 1_000 }, (_, index) => raised(`w${index}`));
    marbles(({ cold, expectObservable }) => {
      const send = (body: string) => {
        bodies.push(body);
        return cold('--(a|)', { a: 200 });
      };
      expectObservable(from(many).pipe(postAlerts(send, options))).toBe('--P-(Q|)', {
        P: posted(1),
        Q: posted(100),
      });
    });
    const last = JSON.parse(bodies[1] ?? '') as Body;
    expect(last.leftOut).toBe(899);
    expect(last.text).toMatch(/^rx-sv2 pool: 899 alerts before were left out\nw900 is wrong\n/);
    expect(last.text.length).toBeLessThanOrEqual(1_800);
    expect(last.alerts.at(-1)?.subject).toBe('w999');
  });

  it('call nobody and hide nothing, whatever remotes are called', () => {
    const bodies: string[] = [];
    const send = (body: string) => {
      bodies.push(body);
      return of(200);
    };
    of(raised('x', 'worker @everyone <!channel> a\u202eb\u001b[31m'))
      .pipe(postAlerts(send, options))
      .subscribe()
      .unsubscribe();
    const { text, content, allowed_mentions: mentions } = JSON.parse(bodies[0] ?? '') as Body;
    expect(text).toBe('rx-sv2 pool: worker @ everyone \u2039!channel\u203a a\u{fffd}b\u{fffd}[31m');
    expect(content).toBe(text);
    expect(mentions).toEqual({ parse: [] });
  });
});

describe('the server that alerts are posted to', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
  });

  const listening = async (
    answer: (request: IncomingMessage, body: string) => [number, Record<string, string>],
  ) => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const [status, headers] = answer(request, body);
        response.writeHead(status, headers).end('x'.repeat(100));
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('gets JSON, and is not followed elsewhere', async () => {
    const asked: string[] = [];
    const url = await listening(({ method, url: path = '', headers }, body) => {
      asked.push(`${method} ${path} ${headers['content-type']} ${body}`);
      return path === '/hook' ? [307, { location: '/inside' }] : [200, {}];
    });
    expect(await firstValueFrom(webhook(`${url}/hook`)('{"a":1}'))).toBe(307);
    expect(asked).toEqual(['POST /hook application/json {"a":1}']);
    expect(await firstValueFrom(webhook(`${url}/other`)('{}'))).toBe(200);
  });

  it('that is not there is told of without the secret in its URL', async () => {
    const url = await listening(() => [200, {}]);
    server?.close();
    server?.closeAllConnections();
    const failure = firstValueFrom(webhook(`${url}/secret`)('{}')).catch((error: unknown) => error);
    expect(JSON.stringify((await failure) as object)).not.toContain('secret');
  });

  it('is a URL of HTTP without a password', () => {
    expect(isWebhook('https://hooks.example/a?b=c')).toBe(true);
    for (const text of ['', 'hooks.example', 'ftp://a/', 'https://user:secret@a/', 'file:///etc/passwd']) {
      expect(isWebhook(text)).toBe(false);
      expect(() => monitored({ role: 'pool', alertWebhook: text })).toThrow(/expected a URL/);
    }
  });
});

describe('the look after a role', () => {
  it('comes every ten seconds, and tells of what begins and is over', () => {
    marbles(({ expectObservable }) => {
      const noted: string[] = [];
      const watch = {
        look(): Showable {
          const time = asyncScheduler.now();
          const status = time > 25_000 && time < 45_000 ? 'disconnected' : 'connected';
          const upstream = { protocol: 'mining', status, since: 25_000, address: '', lastFailure: null };
          return { time, startedAt: 0, role: 'proxy', upstreams: [upstream as never] };
        },
        noteAlert: ({ type }: AlertChange) => noted.push(type),
      };
      const vigil$ = vigil(watch, { upstreamAway: 0 }, asyncScheduler);
      const alert = {
        kind: 'upstream-lost',
        subject: 'mining',
        since: 25_000,
        message: 'no connection for mining',
      };
      expectObservable(vigil$, '65s !').toBe('30s a 19999ms b', {
        a: { type: 'AlertRaised', ...alert },
        b: { type: 'AlertCleared', ...alert, at: 50_000 },
      });
    });
  });
});
