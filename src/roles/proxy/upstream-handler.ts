/** The side of a proxy that is connected to an upstream: what that says is handed on, what is for it is sent. */
import { defer, mergeMap } from 'rxjs';
import type { MiningClientHandler } from '../../service/handlers.js';
import { CloseChannel } from '../../messages/mining.js';
import { lastWords, leaveServer, sendToServer, toSibling } from '../../service/effects.js';
import {
  LeaveUpstream,
  ToUpstream,
  UpstreamConnected,
  UpstreamDisconnected,
  UpstreamExtensions,
  UpstreamSaid,
} from './triggers.js';

/** Milliseconds for which an upstream that was found to be of no use is left alone. */
const banFor = 60_000;

/**
 * Hands on what an upstream says, and sends what is for it. When the proxy is stopped, the upstream is told that its channels
 * close.
 *
 * @param upstream its number at the proxy
 */
export const upstreamHandler =
  (upstream: number): MiningClientHandler =>
  (event$) =>
    defer(() => {
      let serial = 0;
      const open = new Set<number>();
      const closing = () =>
        [...open].map((channelId) => CloseChannel({ channelId, reasonCode: 'the proxy stops' }));
      return event$.pipe(
        mergeMap((event) => {
          switch (event.type) {
            case 'connected':
              serial += 1;
              open.clear();
              return [toSibling(UpstreamConnected(upstream, serial, event.server)), lastWords(closing)];
            case 'extensions':
              return [toSibling(UpstreamExtensions(upstream, event.extensions))];
            case 'disconnected':
              return [toSibling(UpstreamDisconnected(upstream, event.reason))];
            case 'message':
              if (event.message.type === 'OpenExtendedMiningChannel.Success')
                open.add(event.message.channelId);
              else if (event.message.type === 'CloseChannel') open.delete(event.message.channelId);
              return [toSibling(UpstreamSaid(upstream, event.message))];
            default:
              if (ToUpstream.match(event) && event.serial === serial) {
                for (const message of event.messages)
                  if (message.type === 'CloseChannel') open.delete(message.channelId);
                return [sendToServer(...event.messages)];
              }
              if (LeaveUpstream.match(event) && event.serial === serial)
                return [leaveServer(event.reason, banFor)];
              return [];
          }
        }),
      );
    });
