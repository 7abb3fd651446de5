"""How far a prediction moves under an importance weight: an update of weight h as the limit of n updates of weight h / n.

Along the flow ``dz/du = -slope(z)`` a row of weight h, rate eta and squared length q (in the metric of the rates) ends at ``u = h eta q``.
N. Karampatziakis and J. Langford, Online importance weight aware updates (2011), section 4, for squared, logistic, hinge and quantile
loss; the others are solved the same way. Never does a prediction pass its target.
"""
from libc.math cimport INFINITY, exp, expm1, fabs, fmax, fmin, log, log1p

cdef enum:
    MOST_NEWTON = 50  # steps; about four are taken

cdef enum Move:
    PLAIN, SQUARED_ERROR, HUBER, EPSILON_INSENSITIVE, SQUARED_EPSILON_INSENSITIVE, QUANTILE, POISSON, GAMMA, LOG_LOSS, HINGE,
    SQUARED_HINGE, MODIFIED_HUBER


cdef inline double approached(double distance, double fastest, double curvature, double u) noexcept nogil:
    """Return how much of a distance is gone after the time `u`, at the speed ``min(fastest, curvature * distance)``."""
    cdef double far = distance - fastest / curvature, gone = 0
    if far > 0:
        if fastest * u <= far:
            return fastest * u
        u -= far / fastest
        distance -= far
        gone = far
    return gone if distance <= 0 else gone - distance * expm1(-curvature * u)


cdef inline double risen(double margin, double u) noexcept nogil:
    """Return how much a margin of the logistic loss rises in the time `u`: the root of ``d + exp(margin) * expm1(d) = u``.

    The left side is convex and the start is not below the root, so Newton's method comes down to it.
    """
    cdef double e = exp(fmax(margin, -650.0)), d, change
    cdef int _k
    if e > 1e300:
        return 0
    u = fmin(u, 1e15)  # it and the least margin keep all exponentials finite
    d = fmin(u, log1p(u / e))
    for _k in range(MOST_NEWTON):
        change = (d + e * expm1(d) - u) / (1 + e * exp(d))
        d -= change
        if not change > 1e-16 * d:
            break
    return d


cdef inline double grown(double change, double rest, double more) noexcept nogil:
    """Return the logarithm of ``1 + change``, which is ``rest + more``, both of them positive."""
    return log1p(change) if change > -0.5 else log(rest + more)


cdef inline double moved(Move move, double z, double y, double parameter, double slope, double u) noexcept nogil:
    """Return by how much the prediction `z` falls in the time `u`; negative where it rises."""
    cdef double way = 1 if z > y else -1, gone
    if move == PLAIN:
        return u * slope
    if move == SQUARED_ERROR:
        return way * approached(fabs(z - y), INFINITY, 1, u)
    if move == HUBER:
        return way * approached(fabs(z - y), parameter, 1, u)
    if move == EPSILON_INSENSITIVE:
        return way * approached(fabs(z - y) - parameter, 1, INFINITY, u)
    if move == SQUARED_EPSILON_INSENSITIVE:
        return way * approached(fabs(z - y) - parameter, INFINITY, 2, u)
    if move == QUANTILE:
        return way * approached(fabs(z - y), 1 - parameter if z > y else parameter, INFINITY, u)
    if move == POISSON:
        gone = -expm1(-y * u) / y if y > 0 else u
        return grown(slope * gone, exp(-y * u), exp(z) * gone)
    if move == GAMMA:
        gone = -expm1(-u)
        return -grown(-slope * gone, exp(-u), y * exp(-z) * gone)
    if move == LOG_LOSS:
        return -risen(z, u) if y > 0 else risen(-z, u)
    if move == HINGE:
        return -y * approached(1 - y * z, 1, INFINITY, u)
    if move == SQUARED_HINGE:
        return -y * approached(1 - y * z, INFINITY, 2, u)
    return -y * approached(1 - y * z, 4, 2, u)
