// A contender of an evaluation: a prior with a method and a beta, or another program's results.
import type { Method } from '../denoiser/denoiser.js';
import type { Preset } from '../denoiser/preset.js';

export type Beta = number | 'auto';

export type Contender =
  /** The product with a preset, which sets method, ensemble and scales. */
  | { readonly kind: 'preset'; readonly prior: string; readonly preset: Preset }
  /** One of the product's methods, without ensemble and scales. */
  | { readonly kind: 'product'; readonly prior: string; readonly method: Method; readonly beta?: Beta }
  /** The maximum itself: beta-MAP from the noisy picture to convergence, without the polish. */
  | { readonly kind: 'converged'; readonly prior: string; readonly beta: number }
  /** Another program: its results are read from a folder, or a function calls it. */
  | { readonly kind: 'given'; readonly name: string; readonly folder?: string };

/** The prior's name for display: a shipped one's name, or the folder as passed. */
export function priorName(prior: string): string {
  return prior.replace(/(?<=.)[/\\]+$/, '');
}

/** The contender's name without its beta. Contenders that differ only in beta share it. */
export function methodName(contender: Contender): string {
  switch (contender.kind) {
    case 'given':
      return contender.name;
    case 'converged':
      return `${priorName(contender.prior)}, beta-MAP at convergence`;
    case 'preset':
      return `${priorName(contender.prior)}, ${contender.preset}`;
    case 'product': {
      const method = contender.method === 'beta-map' ? 'beta-MAP' : 'posterior mean';
      return `${priorName(contender.prior)}, ${method}`;
    }
    default:
      return contender satisfies never;
  }
}

/** Whether it runs as the product does: neither the maximum itself nor another program. */
export function isProduct({ kind }: Contender): boolean {
  return kind === 'product' || kind === 'preset';
}

export function betaOf(contender: Contender): Beta | undefined {
  return 'beta' in contender ? contender.beta : undefined;
}

/** The beta as part of the name; empty without a beta. */
function betaName(beta: Beta | undefined): string {
  if (beta === undefined) return '';
  return beta === 'auto' ? 'calibrated beta' : `beta ${beta}`;
}

export function contenderName(contender: Contender): string {
  return [methodName(contender), betaName(betaOf(contender))].filter((part) => part !== '').join(', ');
}
