namespace TorchZoo.Optimizers;

/// <summary>Ways to compute an update.</summary>
internal enum UpdatePath
{
    /// <summary>Our own vector code: contiguous float32 and float64 on a CPU.</summary>
    Vectors,

    /// <summary>libtorch's fused kernels: the other types on a CPU, CUDA, MPS.</summary>
    Fused,

    /// <summary>libtorch's operations on lists of tensors: everything else.</summary>
    ForEach,
}
