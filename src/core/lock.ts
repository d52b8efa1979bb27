// One work at a time in a folder, across processes. A lock whose holder was killed is free after ten seconds.
import lockfile from 'proper-lockfile';
import { codeOf, messageOf } from './errors.js';

/**
 * @param onLost  is told why the lock was taken from us, as after a long suspension
 * @returns       gives the lock back, and says whether it was ours: a lost one is another's and stays. Undefined while
 *                another process holds it
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
