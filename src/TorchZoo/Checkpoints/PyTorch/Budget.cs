using System.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// What a pickle may still cost. Each opcode costs at least one unit; those that touch more memory than the few bytes that they take in the
/// file (a copy of a list that the memo gives again and again, the hash of a long key) cost in proportion, so that the work of a file is
/// linear in its size.
/// </summary>
/// <param name="limit">Units.</param>
internal sealed class Budget(long limit)
{
    private const int TensorCost = 16;
    private const int BytesPerUnit = 16;

    private long _spent;

    /// <summary>Spends units.</summary>
    /// <exception cref="InvalidDataException">There are not so many left.</exception>
    public void Spend(long units = 1)
    {
        if ((_spent += units) > limit) throw new InvalidDataException($"the pickle makes more than {limit} values");
    }

    /// <summary>Spends what hashing a key costs.</summary>
    public void SpendOnKey(object? key) => Spend(key switch
    {
        PyTuple tuple => TupleCost(tuple),
        BigInteger integer => integer.GetByteCount() / BytesPerUnit,
        _ => Length(key),
    });

    /// <summary>Spends what copying the arguments of a call costs.</summary>
    public void SpendOnCopy(object? value) => Spend(value is Tensor ? TensorCost : Length(value));

    private long TupleCost(PyTuple tuple)
    {
        // The walk is charged as it goes: a tuple of tuples can be exponentially large.
        Spend(tuple.Count);
        foreach (var item in tuple.Items) SpendOnKey(item);
        return 0;
    }

    private static long Length(object? value) => value switch
    {
        string text => text.Length / BytesPerUnit,
        byte[] bytes => bytes.Length / BytesPerUnit,
        PyTuple tuple => tuple.Count,
        List<object?> list => list.Count,
        PyDict dict => dict.Count,
        PySet set => set.Count,
        StorageView => TensorCost,
        _ => 0,
    };
}
