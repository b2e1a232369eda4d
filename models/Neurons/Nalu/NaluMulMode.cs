namespace TorchZoo.Models.Neurons;

/// <summary>How products are made out of sums; W is the weight of a neural accumulator.</summary>
public enum NaluMulMode
{
    /// <summary>exp(W log(|x| + ε)), the paper's: products, quotients and powers of absolute values.</summary>
    Normal,

    /// <summary>exp(W log(|x − 1| + 1)): never near a logarithm of 0, and no product below 1.</summary>
    Safe,

    /// <summary>exp(W log(relu(x − 1) + 1)): as <see cref="Safe"/>, with 1 for all that is less.</summary>
    MaxSafe,

    /// <summary>sinh(W asinh(x)): keeps signs, and is a product only about and for large numbers.</summary>
    Trig,
}
