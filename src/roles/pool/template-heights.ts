/** For which heights templates are: their coinbases begin with it (BIP 34). */
import { decodeBip34Height } from '../../bitcoin/script.js';
import type { NewTemplate } from '../../messages/template-distribution.js';

/** Templates whose height is remembered. */
const maxHeights = 64;

/** Remembers the heights of the last templates. */
export const templateHeights = () => {
  const heights = new Map<bigint, number>();
  return {
    note({ templateId, coinbasePrefix }: Pick<NewTemplate, 'templateId' | 'coinbasePrefix'>): void {
      heights.delete(templateId);
      heights.set(templateId, decodeBip34Height(coinbasePrefix) ?? 0);
      for (const oldest of heights.keys()) {
        if (heights.size <= maxHeights) break;
        heights.delete(oldest);
      }
    },
    /** 0 when it is not known. */
    of: (templateId: bigint): number => heights.get(templateId) ?? 0,
  };
};
