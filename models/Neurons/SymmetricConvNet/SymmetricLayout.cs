namespace TorchZoo.Models.Neurons;

/// <summary>How a <see cref="SymmetricConvNet"/> begins.</summary>
public enum SymmetricLayout
{
    /// <summary>For large pictures, as ResNet-50: a 7×7 convolution of stride 2 with ReLU, maximum pooling, and each stage doubles the
    /// channels.</summary>
    Full,

    /// <summary>For small ones: a 3×3 convolution; the first stage keeps channels and resolution.</summary>
    Small,
}
