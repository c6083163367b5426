import { describe, it } from '@jest/globals';
import { filter, map, merge, mergeMap, tap, timer, type Observable } from 'rxjs';
import { SubmitSharesStandard } from '../src/messages/index.js';
import {
  createServer,
  ofEvent,
  ofMessage,
  ofTrigger,
  send,
  trigger,
  type ApplicationOutcome,
  type JobDeclarationServerHandler,
  type MiningServerHandler,
} from '../src/service/index.js';
import { fromClient, like, marbles, setupConnection } from '../src/testing/index.js';
import { accepted, acceptShares, clients, close, share, silentHandler, Tick, welcome } from './support.js';

const s = setupConnection();

/** The application's own outcomes, whose type begins with `saw`. */
function seen(outcome$: Observable<{ readonly type: string }>): Observable<string> {
  return outcome$.pipe(
    map(({ type }) => type),
    filter((type) => type.startsWith('saw')),
  );
}

const saw = (what: string | number): ApplicationOutcome => ({ type: `saw ${what}` });

/** The letters a, b, c … for what was seen. */
const letters = (...names: readonly (string | number)[]) =>
  Object.fromEntries(names.map((name, index) => [String.fromCharCode(97 + index), `saw ${name}`]));

describe('triggers', () => {
  it('are handled in order, after the event that led to them and before what comes later', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      merge(
        event$.pipe(
          ofMessage(SubmitSharesStandard),
          mergeMap(({ message }) => [
            trigger(Tick(10 * message.sequenceNumber), Tick(10 * message.sequenceNumber + 1)),
            saw(message.sequenceNumber),
          ]),
        ),
        event$.pipe(
          ofTrigger(Tick),
          map(({ number }) => saw(number)),
        ),
      );
    marbles(({ connection, expectObservable }) => {
      const server = createServer({
        listen: clients(connection('s---(mn)', { s, m: share(1), n: share(2) })),
        mining,
      });
      expectObservable(seen(server.start()), '100ms !').toBe('----(abcdef)', letters(1, 10, 11, 2, 20, 21));
    });
  });

  it('that lead to triggers are handled breadth first', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      merge(
        event$.pipe(
          ofEvent('started'),
          map(() => trigger(Tick(1), Tick(2))),
        ),
        event$.pipe(
          ofTrigger(Tick),
          mergeMap(({ number }) => [
            ...(number < 10 ? [trigger(Tick(number * 10), Tick(number * 10 + 1))] : []),
            saw(number),
          ]),
        ),
      );
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining });
      expectObservable(seen(server.start()), '100ms !').toBe('(abcdef)', letters(1, 2, 10, 11, 20, 21));
    });
  });

  it('reach every handler before the next event does', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      merge(
        event$.pipe(
          ofEvent('started'),
          map(() => trigger(Tick(1), Tick(2))),
        ),
        event$.pipe(
          ofTrigger(Tick),
          mergeMap(({ number }) => [saw(`mining ${number}`), ...(number === 1 ? [trigger(Tick(3))] : [])]),
        ),
      );
    const jobDeclaration: JobDeclarationServerHandler<ApplicationOutcome> = (event$) =>
      event$.pipe(
        ofTrigger(Tick),
        map(({ number }) => saw(`job ${number}`)),
      );
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining, jobDeclaration });
      expectObservable(seen(server.start()), '100ms !').toBe(
        '(abcdef)',
        letters('mining 1', 'job 1', 'mining 2', 'job 2', 'mining 3', 'job 3'),
      );
    });
  });

  it('that are emitted when handlers are started wait until all are, and come after `started`', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      merge([trigger(Tick(1))], event$.pipe(map(({ type }) => saw(`mining ${type}`))));
    const jobDeclaration: JobDeclarationServerHandler<ApplicationOutcome> = (event$) =>
      event$.pipe(map(({ type }) => saw(`job ${type}`)));
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining, jobDeclaration });
      expectObservable(seen(server.start()), '100ms !').toBe(
        '(abcd)',
        letters('mining started', 'job started', 'mining trigger', 'job trigger'),
      );
    });
  });

  it('emitted in a handler’s own time are handled too', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      merge(
        timer(5).pipe(map(() => trigger(Tick(1)))),
        event$.pipe(
          ofTrigger(Tick),
          map(({ number }) => saw(number)),
        ),
      );
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining });
      expectObservable(seen(server.start()), '100ms !').toBe('-----a', letters(1));
    });
  });

  it('that are no events are errors of the handler, and the server goes on', () => {
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) =>
      event$.pipe(
        ofEvent('started'),
        mergeMap(() => [trigger(undefined as never), saw('the rest')]),
      );
    marbles(({ connection, expectOutcomes }) => {
      const server = createServer({ listen: clients(connection('-----s', { s })), mining });
      expectOutcomes(server.start(), 'handlerError', 'saw the rest', 'connected').toBe('(er)-c', {
        e: like({ error: { code: 'invalid-event' } }),
        r: saw('the rest'),
        c: like({ clientId: 1 }),
      });
    });
  });
});

describe('effects of one event', () => {
  it('are carried out handler by handler, in the order they were emitted', () => {
    const sendThree: MiningServerHandler = (event$) =>
      merge(
        event$.pipe(
          ofEvent('clientAdded'),
          mergeMap(({ clientId }) => [send(clientId, close(1), close(2)), send(clientId, close(3))]),
        ),
        event$.pipe(
          ofEvent('clientAdded'),
          map(({ clientId }) => send(clientId, close(4))),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('-s', { s });
      const server = createServer({ listen: clients(client), mining: sendThree });
      expectSent(client).toBe('-(wabcd)', {
        w: welcome(),
        a: close(1),
        b: close(2),
        c: close(3),
        d: close(4),
      });
      expectOutcomes(server.start(), 'handlerError').toBe('');
    });
  });
});

describe('a handler that throws', () => {
  const thrower: MiningServerHandler<ApplicationOutcome> = (event$) =>
    event$.pipe(
      ofTrigger(Tick),
      map(({ number }) => {
        if (number === 2) throw new RangeError('two');
        return saw(`mining ${number}`);
      }),
    );

  it('goes on with the next event, and other handlers with the same', () => {
    const jobDeclaration: JobDeclarationServerHandler<ApplicationOutcome> = (event$) =>
      event$.pipe(
        ofTrigger(Tick),
        map(({ number }) => saw(`job ${number}`)),
      );
    marbles(({ expectObservable, expectOutcomes }) => {
      const server = createServer({ listen: clients(), mining: thrower, jobDeclaration });
      const inject$ = timer(5).pipe(mergeMap(() => merge(...[1, 2, 3].map((n) => server.dispatch(Tick(n))))));
      expectOutcomes(server.start()).toBe('-----(abcdef)', {
        a: saw('mining 1'),
        b: saw('job 1'),
        c: { type: 'handlerError', handler: 'mining', error: new RangeError('two'), event: Tick(2) },
        d: saw('job 2'),
        e: saw('mining 3'),
        f: saw('job 3'),
      });
      expectObservable(inject$.pipe(filter(() => false))).toBe('-----|');
    });
  });

  it('in its own time is started again too', () => {
    let starts = 0;
    const mining: MiningServerHandler<ApplicationOutcome> = (event$) => {
      starts += 1;
      const fails$ = timer(5).pipe(
        map(() => {
          throw new RangeError('late');
        }),
      );
      const ticks$ = event$.pipe(
        ofTrigger(Tick),
        map(({ number }) => saw(number)),
      );
      return starts === 1 ? merge(fails$, ticks$) : ticks$;
    };
    marbles(({ expectObservable, expectOutcomes }) => {
      const server = createServer({ listen: clients(), mining });
      expectOutcomes(server.start()).toBe('-----e--t', {
        e: { type: 'handlerError', handler: 'mining', error: new RangeError('late') },
        t: saw(7),
      });
      expectObservable(
        timer(8).pipe(
          tap(() => void server.dispatch(Tick(7))),
          filter(() => false),
        ),
      ).toBe('--------|');
    });
  });
});

describe('dispatch', () => {
  const chain: MiningServerHandler<ApplicationOutcome> = (event$) =>
    event$.pipe(
      ofTrigger(Tick),
      mergeMap(({ number }) =>
        merge(
          [saw(number)],
          number < 3 ? [trigger(Tick(number + 1))] : [],
          timer(10).pipe(map(() => saw(`late ${number}`))),
        ),
      ),
    );

  it('returns the outcomes that the event and its triggers led to at once', () => {
    marbles(({ expectObservable, expectOutcomes }) => {
      const server = createServer({ listen: clients(), mining: chain });
      expectOutcomes(server.start(), 'saw 1').toBe('-----a', { a: saw(1) });
      expectObservable(timer(5).pipe(mergeMap(() => seen(server.dispatch(Tick(1)))))).toBe(
        '-----(abc|)',
        letters(1, 2, 3),
      );
    });
  });

  it('includes what the service did about it', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const server = createServer({ listen: clients(connection('s', { s })), mining: acceptShares });
      expectOutcomes(server.start(), 'connected').toBe('c', { c: like({ clientId: 1 }) });
      const injected$ = timer(5).pipe(mergeMap(() => server.dispatch(fromClient(1, share(4)))));
      expectObservable(injected$).toBe('-----(s|)', {
        s: { type: 'sent', clientId: 1, message: accepted(4) },
      });
    });
  });

  it('from a subscriber, in the middle of an event, waits for its turn', () => {
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining: chain });
      const outcome$ = server.start().pipe(
        tap(({ type }) => {
          if (type === 'saw 1') void server.dispatch(Tick(3));
        }),
      );
      expectObservable(seen(outcome$), '8ms !').toBe('-----(abcd)', {
        // the injected event came first, the trigger after it
        ...letters(1, 3, 2, 3),
      });
      expectObservable(timer(5).pipe(mergeMap(() => seen(server.dispatch(Tick(1)))))).toBe(
        '-----(abc|)',
        letters(1, 2, 3),
      );
    });
  });

  it('needs a running service', () => {
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining: silentHandler });
      const late$ = timer(5).pipe(mergeMap(() => server.dispatch(Tick(1))));
      expectObservable(server.start(), '^--!').toBe('');
      expectObservable(late$).toBe('-----#', {}, like({ code: 'not-started' }));
    });
  });
});
