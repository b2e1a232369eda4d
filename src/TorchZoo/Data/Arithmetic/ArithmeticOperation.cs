namespace TorchZoo.Data.Arithmetic;

/// <summary>What an <see cref="ArithmeticTask"/> does with its two sums.</summary>
public enum ArithmeticOperation
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a − b.</summary>
    Subtract,

    /// <summary>a · b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>a².</summary>
    Square,

    /// <summary>√a.</summary>
    SquareRoot,
}
