// A lock on a folder, across processes. The lock of a killed process expires after ten seconds.
import lockfile from 'proper-lockfile';
import { codeOf, messageOf } from './errors.js';

/**
 * @param onLost  called with the reason if another process takes the lock, as after a long suspension
 * @returns       undefined while another process holds the lock. Otherwise a function that releases it and returns whether
 *                it was still ours; a lost lock is left to its new holder
 * @throws        the system's error
 */
export async function lockFolder(
  folder: string,
  onLost: (reason: string) => void,
): Promise<(() => Promise<boolean>) | undefined> {
  let isLost = false;
  try {
    const release = await lockfile.lock(folder, {
      onCompromised(error) {
        isLost = true;
        onLost(messageOf(error));
      },
    });
    return async () => {
      if (!isLost) await release();
      return !isLost;
    };
  } catch (error) {
    if (codeOf(error) === 'ELOCKED') return undefined;
    throw error;
  }
}
