import { finalize, Observable, type MonoTypeOperatorFunction } from 'rxjs';
import { BitcoinRpcError } from './bitcoin-rpc-errors.js';

/**
 * Makes a queue: what goes through it is subscribed to in the order of subscription, each when those before it have
 * ended.
 * @param maxWaiting how many may wait; one more errors with BitcoinRpcError `too-many-blocks`
 */
export function oneAtATime<T>(maxWaiting: number): MonoTypeOperatorFunction<T> {
  const waiting: (() => void)[] = [];
  let busy = false;

  return (source$) =>
    new Observable((subscriber) => {
      const begin = () => {
        busy = true;
        const release = () => {
          busy = false;
          waiting.shift()?.();
        };
        subscriber.add(source$.pipe(finalize(release)).subscribe(subscriber));
      };
      if (!busy) {
        begin();
        return;
      }
      if (waiting.length >= maxWaiting) {
        subscriber.error(
          new BitcoinRpcError('too-many-blocks', `${maxWaiting} blocks wait to be submitted already`, {
            maxWaiting,
          }),
        );
        return;
      }
      waiting.push(begin);
      subscriber.add(() => {
        const place = waiting.indexOf(begin);
        if (place >= 0) waiting.splice(place, 1);
      });
    });
}
