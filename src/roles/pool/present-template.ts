/** The template that a pool's work is of at present, as it is told of templates and tips. */
import type { NewTemplate } from '../../messages/template-distribution.js';

/** Templates for the future that are remembered. */
const maxFuture = 16;

/** Remembers the template that is present, and those that may become it. */
export const presentTemplate = () => {
  const future = new Map<bigint, NewTemplate>();
  let present: NewTemplate | undefined;
  return {
    add(template: NewTemplate): void {
      if (!template.futureTemplate) {
        present = template;
        return;
      }
      future.delete(template.templateId);
      future.set(template.templateId, template);
      for (const oldest of future.keys()) {
        if (future.size <= maxFuture) break;
        future.delete(oldest);
      }
    },
    tip(templateId: bigint): void {
      present = future.get(templateId) ?? present;
      future.clear();
    },
    /** Undefined before the first. */
    get now(): NewTemplate | undefined {
      return present;
    },
  };
};
