#pragma once

// h ↦ factor h + term, and one after the other: it doesn't commute.
template <class T> struct Affine { T factor, term; };

struct Compose
{
    template <class T> __device__ Affine<T> operator()(Affine<T> first, Affine<T> then) const
    {
        return {then.factor * first.factor, then.factor * first.term + then.term};
    }
};
