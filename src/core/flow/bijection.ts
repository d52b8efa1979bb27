// The interface of every part of the flow: an invertible map with its log-determinant and its gradient.

interface Forward<T> {
  /** The image of x. */
  readonly z: T;
  /** ln |det dz/dx| per picture: [B], or [] if it is the same for every picture. */
  readonly logDet: T;
  /** From dL/dz to dL/dx, for L = (what comes after) + logDet, so it includes the log-determinant's own gradient. */
  pullback(dz: T): T;
}

export interface Bijection<T> {
  /** @param condition the noise level's embedding [B, E]; undefined for an unconditioned prior */
  forward(x: T, condition?: T): Forward<T>;
  /** The x whose image is z. Only sampling and tests need it. */
  inverse(z: T, condition?: T): T;
}
