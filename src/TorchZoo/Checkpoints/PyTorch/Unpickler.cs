using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// Executes a pickle on a stack of plain values. It knows a fixed set of opcodes and, through its reconstructor, a fixed table of names; it
/// loads no type and calls nothing that the pickle chooses.
/// </summary>
/// <param name="source">The pickle; afterwards it stands behind STOP.</param>
/// <param name="limits">Limits.</param>
/// <param name="budget">What it may cost.</param>
/// <param name="reconstructor">Makes objects; null: this pickle holds plain values only, and names are refused.</param>
internal sealed class Unpickler(PickleSource source, PyTorchLoadLimits limits, Budget budget, Reconstructor? reconstructor)
{
    private const int MaxProtocol = 5;

    private static readonly object True = true, False = false;
    private static readonly object[] SmallIntegers = [.. Enumerable.Range(0, 256).Select(i => (object)(long)i)];
    private static readonly PyTuple EmptyTuple = [];

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    /// <summary>Executes the pickle.</summary>
    /// <exception cref="InvalidDataException">It is damaged or hostile; the message names the opcode and its position.</exception>
    public object? Load()
    {
        var at = source.Position;
        var opcode = Opcode.Proto;
        try
        {
            if ((Opcode)source.ReadByte() != Opcode.Proto) throw new InvalidDataException("a pickle of protocol 2 or later was expected");
            if (source.ReadByte() is var protocol && protocol is < 2 or > MaxProtocol)
                throw new InvalidDataException($"protocol {protocol} is unknown");
            while (true)
            {
                at = source.Position;
                opcode = (Opcode)source.ReadByte();
                if (opcode == Opcode.Stop) break;
                Execute(opcode);
            }
            if (_stack.Count != 1 || _marks.Count != 0)
                throw new InvalidDataException($"the pickle ends with {_stack.Count} values on the stack instead of one");
            return _stack[0];
        }
        // EndOfStream: the file became shorter while it was read.
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            var name = Enum.IsDefined(opcode) ? $"{opcode}" : $"0x{(byte)opcode:x2}";
            throw new InvalidDataException($"byte {at} of the pickle ({name}): {e.Message}", e);
        }
    }

    private void Execute(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Frame:
                if (U64() > (ulong)source.Remaining) throw new InvalidDataException("the frame is longer than the pickle");
                break;

            case Opcode.None: Push(null); break;
            case Opcode.NewTrue: Push(True); break;
            case Opcode.NewFalse: Push(False); break;
            case Opcode.BinInt: Push(Integer(BinaryPrimitives.ReadInt32LittleEndian(source.Read(4)))); break;
            case Opcode.BinInt1: Push(SmallIntegers[source.ReadByte()]); break;
            case Opcode.BinInt2: Push(Integer(BinaryPrimitives.ReadUInt16LittleEndian(source.Read(2)))); break;
            case Opcode.Long1: Push(Long(source.ReadByte())); break;
            case Opcode.Long4: Push(Long(BinaryPrimitives.ReadInt32LittleEndian(source.Read(4)))); break;
            case Opcode.BinFloat: Push(BinaryPrimitives.ReadDoubleBigEndian(source.Read(8))); break;

            case Opcode.BinUnicode: Push(Text(U32())); break;
            case Opcode.ShortBinUnicode: Push(Text(source.ReadByte())); break;
            case Opcode.BinUnicode8: Push(Text(Length(U64()))); break;
            case Opcode.ShortBinString: Push(Text(source.ReadByte())); break; // strings of Python 2
            case Opcode.BinString: Push(Text(BinaryPrimitives.ReadInt32LittleEndian(source.Read(4)))); break;
            case Opcode.BinBytes: Push(Bytes(U32())); break;
            case Opcode.ShortBinBytes: Push(Bytes(source.ReadByte())); break;
            case Opcode.BinBytes8: Push(Bytes(Length(U64()))); break;
            case Opcode.ByteArray8: Push(new PyByteArray(Bytes(Length(U64())))); break;

            case Opcode.Mark:
                budget.Spend();
                _marks.Add(_stack.Count);
                break;
            case Opcode.EmptyTuple: Push(EmptyTuple); break;
            case Opcode.Tuple1: MakeTuple(1); break;
            case Opcode.Tuple2: MakeTuple(2); break;
            case Opcode.Tuple3: MakeTuple(3); break;
            case Opcode.Tuple: MakeTuple(PopMark()); break;
            case Opcode.EmptyList: Push(new List<object?>()); break;
            case Opcode.Append: Append(1); break;
            case Opcode.Appends: Append(PopMark()); break;
            case Opcode.EmptyDict: Push(new PyDict()); break;
            case Opcode.SetItem: SetItems(2); break;
            case Opcode.SetItems: SetItems(PopMark()); break;
            case Opcode.EmptySet: Push(new PySet()); break;
            case Opcode.AddItems: AddItems(PopMark()); break;

            case Opcode.BinPut: Put(source.ReadByte()); break;
            case Opcode.LongBinPut: Put(U32()); break;
            case Opcode.Memoize: Put(_memo.Count); break;
            case Opcode.BinGet: Get(source.ReadByte()); break;
            case Opcode.LongBinGet: Get(U32()); break;

            case Opcode.Global: PushGlobal(source.ReadLine(), source.ReadLine()); break;
            case Opcode.StackGlobal:
                var (module, name) = (Pop(), Pop()) is (string n, string m) ? (m, n)
                    : throw new InvalidDataException("a name was expected on the stack");
                PushGlobal(module, name);
                break;
            case Opcode.Reduce: Construct(newObject: false); break;
            case Opcode.NewObj: Construct(newObject: true); break;
            case Opcode.Build:
                var state = Pop();
                budget.SpendOnCopy(state);
                Allowed.Build(Peek(), state);
                break;
            case Opcode.BinPersId: Push(Allowed.Storage(Pop())); break;

            default: throw new InvalidDataException("the opcode is not allowed in a checkpoint");
        }
    }

    private Reconstructor Allowed => reconstructor ?? throw new InvalidDataException("this part of the file may hold plain values only");

    private void PushGlobal(string module, string name)
    {
        var known = AllowedGlobals.Resolve(module, name);
        _ = Allowed;
        Push(known);
    }

    private void Construct(bool newObject)
    {
        var arguments = Pop() as PyTuple ?? throw new InvalidDataException("the arguments are no tuple");
        var global = Pop() is PyGlobal known ? known : throw new InvalidDataException("what is called is no known function");
        if (newObject && global != PyGlobal.Parameter) throw new InvalidDataException($"{global} cannot be made this way");
        foreach (var argument in arguments.Items) budget.SpendOnCopy(argument);
        Push(Allowed.Call(global, arguments));
    }

    private void MakeTuple(int count)
    {
        var start = Below(count);
        var tuple = count == 0 ? EmptyTuple : new PyTuple(CollectionsMarshal.AsSpan(_stack)[start..]);
        _stack.RemoveRange(start, count);
        Push(tuple);
    }

    private void Append(int count)
    {
        var start = Below(count + 1) + 1;
        if (_stack[start - 1] is not List<object?> list)
            throw new InvalidDataException($"{Describe(_stack[start - 1])} cannot be appended to");
        for (var i = start; i < _stack.Count; i++) list.Add(_stack[i]);
        _stack.RemoveRange(start, count);
    }

    private void SetItems(int count)
    {
        var start = Below(count + 1) + 1;
        if (_stack[start - 1] is not PyDict dict) throw new InvalidDataException($"{Describe(_stack[start - 1])} has no items to set");
        if (count % 2 != 0) throw new InvalidDataException("a key has no value");
        try
        {
            for (var i = start; i < _stack.Count; i += 2)
            {
                budget.SpendOnKey(_stack[i]);
                dict[_stack[i]] = _stack[i + 1];
            }
        }
        catch (ArgumentException e) { throw new InvalidDataException(e.Message, e); }
        _stack.RemoveRange(start, count);
    }

    private void AddItems(int count)
    {
        var start = Below(count + 1) + 1;
        if (_stack[start - 1] is not PySet set) throw new InvalidDataException($"{Describe(_stack[start - 1])} is no set");
        Reconstructor.AddAll(set, _stack.Skip(start), budget);
        _stack.RemoveRange(start, count);
    }

    private void Put(long slot)
    {
        budget.Spend();
        _memo[slot] = Peek();
    }

    private void Get(long slot) =>
        Push(_memo.TryGetValue(slot, out var value) ? value : throw new InvalidDataException($"memo slot {slot} was never filled"));

    private void Push(object? value)
    {
        budget.Spend();
        _stack.Add(value);
    }

    private object? Pop()
    {
        var start = Below(1);
        var value = _stack[start];
        _stack.RemoveAt(start);
        return value;
    }

    private object? Peek() => _stack[Below(1)];

    // Index of the first of the topmost values; they may not reach below the last mark.
    private int Below(int count)
    {
        var start = _stack.Count - count;
        return start >= (_marks.Count > 0 ? _marks[^1] : 0) ? start : throw new InvalidDataException("the stack has run empty");
    }

    // Number of values above the last mark, which goes.
    private int PopMark()
    {
        if (_marks.Count == 0) throw new InvalidDataException("there is no mark");
        var count = _stack.Count - _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return count;
    }

    private static object Integer(long value) => value is >= 0 and < 256 ? SmallIntegers[value] : value;

    private object Long(long length)
    {
        if (length < 0 || length > limits.MaxInteger)
            throw new InvalidDataException($"an integer of {length} bytes; at most {limits.MaxInteger} are allowed");
        var value = new BigInteger(source.Read(length));
        return value >= long.MinValue && value <= long.MaxValue ? Integer((long)value) : value;
    }

    private string Text(long length) => source.ReadText(Checked(length));

    private byte[] Bytes(long length) => source.Read(Checked(length)).ToArray();

    private long Checked(long length) => length <= limits.MaxString ? length
        : throw new InvalidDataException($"a string of {length} bytes; at most {limits.MaxString} are allowed");

    private static long Length(ulong length) => length <= long.MaxValue ? (long)length
        : throw new InvalidDataException($"a string of {length} bytes");

    private uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(source.Read(4));

    private ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(source.Read(8));

    private static string Describe(object? value) => value is PyGlobal or StorageClass or StorageView ? $"{value}" : PyTree.Describe(value);
}
