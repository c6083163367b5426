import type { NewTemplate } from '../../messages/template-distribution.js';

/**
 * A target is for jobs to come (spec §5.3.21), and a template provider whose mempool is empty may send no template
 * that would bring one. So a job after whose start a target has changed is renewed, when it is this old: in
 * milliseconds.
 */
const jobLifetime = 30_000;

/** Future templates remembered; the oldest goes first. */
const maxFuture = 16;

/** Tells when the present job has to be sent once more, and what it was made from. */
export interface JobRenewal {
  takeTemplate(template: NewTemplate, now: number): void;
  takeTip(templateId: bigint, now: number): void;
  /** Some channel's target changed. */
  targetChanged(): void;
  /** The template to make another job from, if that is due; to be handed to `takeTemplate` like any other. */
  due(now: number): NewTemplate | null;
}

/** Remembers the template that is mined. */
export function jobRenewal(): JobRenewal {
  const future = new Map<bigint, NewTemplate>();
  let current: NewTemplate | undefined;
  let since = 0;
  let isTargetWaiting = false;

  const mine = (template: NewTemplate | undefined, now: number): void => {
    current = template;
    since = now;
    isTargetWaiting = false;
  };

  return {
    takeTemplate(template, now) {
      if (!template.futureTemplate) {
        mine(template, now);
        return;
      }
      future.delete(template.templateId);
      future.set(template.templateId, template);
      for (const oldest of future.keys()) {
        if (future.size <= maxFuture) break;
        future.delete(oldest);
      }
    },
    takeTip(templateId, now) {
      mine(future.get(templateId), now);
      future.clear();
    },
    targetChanged: () => (isTargetWaiting = true),
    due: (now) =>
      isTargetWaiting && now - since >= jobLifetime && current !== undefined
        ? { ...current, futureTemplate: false }
        : null,
  };
}
